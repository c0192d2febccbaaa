"""The command `hpo run`: what becomes of a session's end on the command line."""

import argparse
import sys
import traceback
from pathlib import Path

import optuna

from hpo.config.command_line import study_file
from hpo.config.storage_url import masked
from hpo.session.main_job import begin_anew, finish
from hpo.study.folder import LOCK
from hpo.study.opening import check_begun
from hpo.study.storage import lost, was_deleted
from segada.cli.exit_codes import DONE, FAILED, INTERRUPTED, NO_ANSWER, WRONG_INPUT, how_to_go_on, refused
from segada.cli.interruption import Interruption, typed_again
from segada.cli.output_dir import named_folder
from segada.core.output_pipe import open_output
from segada.core.printing import escaped_lines, tell
from segada.core.storage_errors import storage_error
from segada.errors import InputError
from segada.settings.inputs import resolved


def run_command(arguments: argparse.Namespace) -> int:
    """Does what is left of a study and returns the exit code.

    Args:
        arguments: Parsed by `hpo.cli.options.run_parser`.

    Returns:
        0 done, with an answer; 4 everything ran, but there is no answer; 2 wrong input; 3 stopped and resumable; 1
        anything else.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    open_output()
    resumed = how_to_go_on("what is finished is kept")
    out: Path | None = None
    why = "interrupted"
    database = arguments.storage
    try:
        file = study_file(arguments)
        database = file.settings.storage
        out = resolved(named_folder(arguments.out, Path("runs") / file.settings.name), "--out")
        if arguments.resume:
            check_begun(file, out)
        if arguments.new:
            begin_anew(file, out)
        with Interruption(lambda: None):
            results, finished = finish(file, out, arguments.address)
    except InputError as error:
        tell(f"error: {error}")
        return WRONG_INPUT
    except KeyboardInterrupt as interruption:
        finished, why = False, str(interruption) or why
    except Exception as error:  # noqa: BLE001 - the outermost frame: whatever it was ends here, its traceback is kept
        return _crashed(error, out, database)
    if not finished:
        tell(f"{why}; {resumed}")
        return INTERRUPTED
    return answered(results.no_answer)


def answered(reason: str | None) -> int:
    """Returns the exit code of work that is done, and prints the reason if there is no answer."""
    if reason is None:
        return DONE
    tell(f"no answer: {reason} (exit code {NO_ANSWER})")
    return NO_ANSWER


def _crashed(error: Exception, out: Path | None, database: str | None) -> int:
    """Says in one line what ended a session, and how to go on; returns the exit code."""
    refusal = storage_error(error, out or Path()) or lost(error, database)
    if refusal is not None:
        return refused(refusal, masked(str(refusal)), how_to_go_on("what is finished is kept"))
    if was_deleted(error):
        tell(f"error: {out}: its study was deleted from its storage while it ran; the same command says the cure")
        return WRONG_INPUT
    tell(f"error: {kept(error, out)}; to go on: {typed_again()}")
    return FAILED


def kept(error: Exception, out: Path | None) -> str:
    """Keeps the traceback in the results' log.txt, if a driver has begun there, and says in one line what it was."""
    said = masked(f"{type(error).__name__}: {error}".splitlines()[0])
    text = masked(traceback.format_exc())
    if out is None or not (out / LOCK).is_file():
        print(escaped_lines(text), end="", file=sys.stderr)
        return said
    with (out / "log.txt").open("a") as log:
        log.write(escaped_lines(text))
    return f"{said} (traceback in {out / 'log.txt'})"
