"""Commands of the engine as child processes: one that ends with its parent, and the reason why it failed.

The child is `python -m hpo.comparison.engine_process MODULE ARGUMENTS`, which runs the module as `python -m` would.
"""

import os
import runpy
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Final

KEPT: Final = "; finished visits are kept. To go on: "
"""Text before the command that goes on, in the last line of a command of the engine."""


class EngineProcess:
    """A command of the engine that runs in the background."""

    def __init__(self, words: Sequence[str], errors: Path, *, alone: bool) -> None:
        """Starts the command, in a session of its own: a terminal's Ctrl-C is for the parent alone.

        Args:
            words: Module and arguments: `["segada.adapt", "settings.yaml", "--out", "runs/a"]`.
            errors: File for its standard error; standard output is dropped.
            alone: Whether no other command runs beside it, so that libraries may use several threads.
        """
        limits = {} if alone else {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
        self._errors = errors
        with errors.open("wb") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "hpo.comparison.engine_process", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=file,
                env={**os.environ, **limits},
                start_new_session=True,
            )

    def exit_code(self) -> int | None:
        """Returns the exit code, negative if a signal ended it; None while it runs."""
        return self._process.poll()

    def errors(self) -> str:
        """Returns what it has printed on standard error."""
        return self._errors.read_text(errors="replace")

    def problem(self) -> str:
        """Returns the last line that it has printed on standard error, without the command that goes on."""
        lines = self.errors().strip().splitlines() or [f"it ended with exit code {self.exit_code()}"]
        return lines[-1].removeprefix("error: ").partition(KEPT)[0]

    def kill(self) -> None:
        """Ends it at once and waits for its end."""
        self._process.kill()
        self._process.wait()


def main() -> None:
    """Runs a module until its end, or until the parent is gone."""
    Thread(target=_end_with_parent, daemon=True).start()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _end_with_parent() -> None:
    # Standard input is a pipe from the parent, who never writes: it is readable when the parent has ended.
    os.read(0, 1)
    os._exit(1)


if __name__ == "__main__":
    main()
