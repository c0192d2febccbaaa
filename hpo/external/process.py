"""Process of an external engine's program, under a guard that ends it when this process is gone."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from segada.core.run_names import LOG

GUARD: Final = Path(__file__).with_name("guard.py")
MARGIN: Final = 10.0
"""Seconds beyond the grace after which the guard is no longer waited for."""


@dataclass(frozen=True)
class Ending:
    """End of a program.

    Attributes:
        code: Exit code, negative for a signal; None if it could not start, or its guard was killed.
        refused: Why it could not start; empty if it did.
    """

    code: int | None
    refused: str = ""


@dataclass(frozen=True)
class Command:
    """Command of one run.

    Attributes:
        words: Words of the command.
        env: Variables beside those of this process.
        directory: Working directory.
        grace: Seconds between SIGTERM and SIGKILL.
    """

    words: Sequence[str]
    env: Mapping[str, str]
    directory: str
    grace: float


class ProgramProcess:
    """Program that runs in a process group of its own."""

    def __init__(self, command: Command, folder: Path, lock: int) -> None:
        """Starts it.

        Args:
            command: command of the run.
            folder: folder of the run, which gets the program's log.
            lock: descriptor of the folder's lock, which the program keeps while it is alive.
        """
        order = {
            "words": list(command.words),
            "directory": command.directory,
            "log": str(folder / LOG),
            "lock": lock,
            "grace": command.grace,
        }
        self._grace = command.grace
        self._ending: Ending | None = None
        self._guard = subprocess.Popen(
            [sys.executable, "-I", "-S", str(GUARD), json.dumps(order)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **command.env},
            # Ctrl-C in a terminal is for the driver.
            start_new_session=True,
            pass_fds=[lock],
        )
        # It goes on as a process of its own.
        self._guard.wait()

    def ending(self) -> Ending | None:
        """Returns how the program ended; None while it runs."""
        assert self._guard.stdout is not None
        if self._ending is None and select.select([self._guard.stdout], [], [], 0.0)[0]:
            said = self._guard.stdout.read()
            found = json.loads(said) if said else {}
            self._ending = Ending(found.get("code"), found.get("refused", ""))
        return self._ending

    def close(self) -> None:
        """Ends the program and all its children, politely first; returns when they are gone."""
        assert self._guard.stdin is not None
        assert self._guard.stdout is not None
        self._guard.stdin.close()
        # The end of its output is its own end; what it started before is then gone, too.
        select.select([self._guard.stdout], [], [], self._grace + MARGIN)
        self._guard.stdout.close()
