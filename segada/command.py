"""How every command of the engine ends: exit codes, and one line for what a person got wrong."""

import shlex
import sys
import traceback
from collections.abc import Callable

from segada.settings.files import InputError

DONE, FAILED, WRONG_INPUT, INTERRUPTED = 0, 1, 2, 3


def exit_code(command: Callable[[], None]) -> int:
    """Runs the command and turns its end into an exit code.

    Args:
        command: The work. Given again, the same command line goes on after the last finished visit.

    Returns:
        0 done; 2 the input was wrong, said in one line on stderr; 3 interrupted; 1 anything else, with its traceback.
    """
    try:
        command()
    except InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_INPUT
    except KeyboardInterrupt:
        again = shlex.join(["python", *sys.orig_argv[1:]])
        print(f"interrupted; finished visits are kept. To go on: {again}", file=sys.stderr)
        return INTERRUPTED
    except Exception:  # noqa: BLE001 - the outermost frame of a command: whatever it was ends here, with its traceback
        traceback.print_exc()
        return FAILED
    return DONE
