"""How every command of the engine ends: exit codes, and one line for what a person got wrong."""

import argparse
import traceback
from collections.abc import Callable
from typing import Final, NoReturn

from segada.cli.interruption import INTERRUPTED as INTERRUPTED
from segada.cli.interruption import Interruption, typed_again
from segada.cli.interruption import program as program
from segada.core.printing import escaped, tell
from segada.core.storage_errors import StorageError
from segada.errors import InputError

DONE, FAILED, WRONG_INPUT = 0, 1, 2

OUT_OF_MEMORY: Final = ("Unable to allocate", "can't allocate memory", "out of memory")
"""What numpy, torch on a processor and torch on a GPU say; they share no exception."""


def is_out_of_memory(error: Exception) -> bool:
    """Whether an allocation failed, on a processor or a GPU; they share no exception."""
    return isinstance(error, MemoryError) or (
        isinstance(error, RuntimeError) and any(sign in str(error) for sign in OUT_OF_MEMORY)
    )


class Parser(argparse.ArgumentParser):
    """A command line whose mistakes are said escaped; parsers of sub-commands are of this class too."""

    def error(self, message: str) -> NoReturn:
        """Says what is wrong, and ends with code 2."""
        super().error(escaped(message))


def exit_code(command: Callable[[], None], kept: str = "finished visits are kept") -> int:
    """Runs the command and turns its end into an exit code.

    Args:
        command: The work. Given again, the same command line goes on, or does it anew.
        kept: What an interruption leaves, in a clause.

    Returns:
        0 done; 2 the input was wrong, said in one line on stderr; 3 interrupted, or nothing can be written any more;
        1 anything else, with its traceback, or in one line if memory did not suffice.
    """
    try:
        with Interruption(lambda: None):
            command()
    except InputError as error:
        tell(f"error: {error}")
        return WRONG_INPUT
    except KeyboardInterrupt as interruption:
        tell(f"{str(interruption) or 'interrupted'}; {how_to_go_on(kept)}")
        return INTERRUPTED
    except StorageError as error:
        tell(f"error: {error}; {how_to_go_on(kept)}")
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the outermost frame of a command: whatever it was ends here
        if any(sign in str(error) for sign in OUT_OF_MEMORY):
            said = str(error).splitlines()[0]
            cure = "choose a smaller data.size, stream.batch_size or evaluation.batch_size"
            tell(f"error: memory is short: {said}; {cure}")
            return FAILED
        traceback.print_exc()
        return FAILED
    return DONE


def how_to_go_on(kept: str) -> str:
    """Says what is kept, and the command that goes on. Begun anew once, it goes on."""
    return f"{kept}. To go on: {typed_again()}"
