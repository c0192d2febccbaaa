"""Runs modules as `python -m` does, each in a fork of a process that has already loaded the large libraries.

Reads commands, `{name: [module, argument, ...]}` as JSON, from standard input. Prints a line of JSON when each has
ended: `name`, exit `status`, wall time in `seconds`, and `output`.
"""

import json
import os
import runpy
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import Final

LIBRARIES: Final = ("torch", "torchvision", "timm", "cv2", "mmcv", "scipy.stats", "pydantic", "rich.progress")
"""Libraries whose import takes most of the time of a small run."""


def main() -> None:
    """Runs the commands, one after the other."""
    commands: dict[str, list[str]] = json.load(sys.stdin)
    for library in LIBRARIES:
        import_module(library)
    for name, command in commands.items():
        print(json.dumps({"name": name, **_run(command)}), flush=True)


def _run(command: Sequence[str]) -> dict[str, object]:
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        child = os.fork()
        if child == 0:
            _become(command, output.fileno())
        _, status = os.waitpid(child, 0)
        output.seek(0)
        text = output.read().decode(errors="replace")
    seconds = time.perf_counter() - started
    return {"status": os.waitstatus_to_exitcode(status), "seconds": seconds, "output": text}


def _become(command: Sequence[str], output: int) -> None:
    """Runs a command in this process, and ends it."""
    os.dup2(output, sys.stdout.fileno())
    os.dup2(output, sys.stderr.fileno())
    sys.argv = list(command)
    status: object = 0
    try:
        runpy.run_module(command[0], run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - the process ends here, whatever it was
        traceback.print_exc()
        status = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    main()
