"""Parent of an external engine's program, which ends it with all its children when the worker is gone.

It is run as a file, imports the standard library alone, and knows nothing of studies. Its first argument is an order in
JSON; it reads nothing from standard input but its end, which asks it to end the program; it writes how the program
ended as JSON to standard output. It leaves the process that started it at once, since Ray kills the children of a
worker, and this one has to end the program after that.
"""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from typing import Any

EVERY = 0.05
"""Seconds between two looks at the program."""


def main(order: dict[str, Any]) -> dict[str, object]:
    """Runs a program to its end.

    Args:
        order: `words` of the command, `directory`, `log`, `grace` in seconds, and `lock`, a descriptor of the folder's
            locked file, which is unlocked when this process, the program and all its children are gone.

    Returns:
        `code`, the exit code, negative for a signal, and `ended` if it was ended on request; or `refused`, why it could
        not start.
    """
    # Ray's workers block SIGTERM; the program must be able to receive it.
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asked: list[int] = []
    signal.signal(signal.SIGTERM, lambda number, _: asked.append(number))
    lock: int = order["lock"]
    with open(order["log"], "ab") as log:  # noqa: PTH123 - no import that is not needed
        try:
            program = subprocess.Popen(
                order["words"],
                cwd=order["directory"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=[lock],
            )
        except OSError as error:
            return {"refused": f"{error.filename or order['words'][0]}: {error.strerror}"}
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.uname().nodename} {program.pid}".encode(), 0)
        while program.poll() is None:
            if asked or select.select([sys.stdin], [], [], EVERY)[0]:
                _end(program, order["grace"])
                return {"code": program.returncode, "ended": True}
        # Children that it left behind.
        _kill(program.pid, signal.SIGKILL)
        return {"code": program.returncode}


def _end(program: subprocess.Popen[bytes], grace: float) -> None:
    """Ends the program's group politely, then firmly."""
    _kill(program.pid, signal.SIGTERM)
    end = time.monotonic() + grace
    while time.monotonic() < end and (program.poll() is None or _lives(program.pid)):
        time.sleep(EVERY)
    _kill(program.pid, signal.SIGKILL)
    program.wait()


def _kill(group: int, number: int) -> None:
    # The group may be gone by now.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except OSError:
        return False
    return True


if __name__ == "__main__":
    if os.fork():
        os._exit(0)
    sys.stdout.write(json.dumps(main(json.loads(sys.argv[1]))))
