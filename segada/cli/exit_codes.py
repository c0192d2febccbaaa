"""Exit codes of the commands, and one line on stderr for wrong input."""

import argparse
import sys
import traceback
from collections.abc import Callable
from typing import Final, NoReturn

from segada.cli.interruption import INTERRUPTED as INTERRUPTED
from segada.cli.interruption import Interruption, program, typed_again
from segada.core.named_code import failed_code
from segada.core.output_pipe import drop_output, open_output
from segada.core.printing import escaped, tell
from segada.core.storage_errors import DeniedError, StorageError
from segada.errors import InputError

DONE, FAILED, WRONG_INPUT = 0, 1, 2
NO_ANSWER: Final = 4
"""Exit code of a command whose runs are all over without a result: every one failed, or none may be chosen."""

OUT_OF_MEMORY: Final = ("Unable to allocate", "can't allocate memory", "out of memory")
"""Texts by which numpy, torch on a CPU and torch on a GPU report that memory is short; they share no exception."""


def is_out_of_memory(error: Exception) -> bool:
    """Returns True if an allocation failed, on a CPU or a GPU; they share no exception."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in OUT_OF_MEMORY)
    )


class Parser(argparse.ArgumentParser):
    """A command line that prints its errors escaped; parsers of sub-commands are of this class too."""

    def error(self, message: str) -> NoReturn:
        """Prints the error and ends the process with code 2."""
        super().error(escaped(message))

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Ends the process after its help or an error; quietly if the reader of a pipe has closed it."""
        open_output()
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            drop_output()
        super().exit(status, message)


def command_parser(module: str, description: str, example: str) -> Parser:
    """Returns the parser of a command, without options yet.

    Args:
        module: Name that `python -m` takes, as `segada.adapt`; the console script calls the same `segada adapt`.
        description: One sentence.
        example: Words behind the command, which the end of the help shows.
    """
    called = program(module)
    return Parser(
        prog=called,
        description=description,
        epilog=f"example:\n  {called} {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def exit_code(command: Callable[[], None], kept: str = "finished visits are kept") -> int:
    """Runs the command and turns its end into an exit code.

    Args:
        command: The work. Given again, the same command line goes on, or does it anew.
        kept: What an interruption leaves, in a clause.

    Returns:
        0 done; 2 the input was wrong, or may not be read, or code of the user failed, said in one line on stderr; 3
        interrupted, or nothing can be written any more; 1 anything else, with its traceback, or in one line if memory
        did not suffice, or without one if the reader of a pipe has closed it.
    """
    open_output()
    try:
        with Interruption(lambda: None):
            command()
            sys.stdout.flush()
    except InputError as error:
        tell(f"error: {error}")
        return WRONG_INPUT
    except KeyboardInterrupt as interruption:
        tell(f"{str(interruption) or 'interrupted'}; {how_to_go_on(kept)}")
        return INTERRUPTED
    except StorageError as error:
        return refused(error, str(error), how_to_go_on(kept))
    except PermissionError as error:
        tell(f"error: {error.filename}: {error.strerror}; change its permissions, or run as its owner")
        return WRONG_INPUT
    except BrokenPipeError:
        drop_output()
        return FAILED
    except Exception as error:  # noqa: BLE001 - the outermost frame of a command: whatever it was ends here
        return _unforeseen(error)
    return DONE


def _unforeseen(error: Exception) -> int:
    """Prints an error that is no refusal, and returns its exit code."""
    if any(sign in str(error) for sign in OUT_OF_MEMORY):
        message = str(error).splitlines()[0]
        cure = "choose a smaller data.size, stream.batch_size or evaluation.batch_size"
        tell(f"error: memory is short: {message}; {cure}")
        return FAILED
    said = failed_code(error)
    if said is not None:
        tell(f"error: {said}")
        return WRONG_INPUT
    traceback.print_exception(error)
    return FAILED


def refused(error: StorageError, said: str, cure: str) -> int:
    """Prints a refused write and returns its exit code: 2 if it does not pass by itself, 3 if the command can go on.

    Args:
        error: the refusal.
        said: its text, without secrets.
        cure: how to go on, where that is possible.
    """
    if isinstance(error, DeniedError):
        tell(f"error: {said}")
        return WRONG_INPUT
    tell(f"error: {said}; {cure}")
    return INTERRUPTED


def how_to_go_on(kept: str) -> str:
    """Says what is kept, and the command that goes on. Begun anew once, it goes on."""
    return f"{kept}. To go on: {typed_again()}"
