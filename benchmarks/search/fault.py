"""Base class of the faults injected into a running study, and the processes that they hit."""

import signal
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from typing_extensions import override

from segada.cli.exit_codes import DONE

WORKERS = (b"Trainable", b"prepare_shared_data")
"""Parts of the names of Ray's processes that compute for a study."""


class Impossible(Exception):
    """A kind of fault is impossible on this machine; the message says why."""


class Kind(ABC):
    """A kind of fault, injected into studies in a folder of its own while the context `ready` is open."""

    codes = frozenset({DONE})
    """Exit codes with which a driver may end after the fault, if a study exists."""
    codes_before = codes
    """Exit codes with which a driver may end after the fault, if no study exists yet."""

    ends_within: float | None = None
    """Seconds within which a driver must end after the fault, with its results written; None if it need not end."""
    is_spread = True
    """True if the fault may occur at any point of a study's life, False if only while a driver starts."""

    def __init__(self, place: Path) -> None:
        """Takes the folder of the studies, which is created if missing."""
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self.damaged: set[str] = set()
        """Folders of runs whose files were damaged, which may therefore be run again."""

    @property
    def options(self) -> list[str]:
        """Options of the driver's command line."""
        return []

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Provides the fault's preconditions within the context.

        Raises:
            Impossible: if this machine does not allow the fault.
        """
        yield

    @abstractmethod
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Injects the fault and waits for its end; returns False if there was no target yet."""


class DriverKilled(Kind):
    """Kills the driver with SIGKILL; its Ray processes die with it."""

    codes = codes_before = frozenset({DONE, -signal.SIGKILL})

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Kills the driver and returns True."""
        driver.kill()
        driver.wait()
        return True


def workers(driver: int) -> list[int]:
    """Returns the ids of processes that compute for the driver with this id, in ascending order."""
    return [pid for pid in descendants(driver) if works(pid)]


def descendants(ancestor: int) -> list[int]:
    """Returns the ids of all descendants of a process, in ascending order."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
    return [pid for pid in sorted(parents) if _descends(pid, ancestor, parents)]


def works(pid: int) -> bool:
    """Returns True if a process computes for a study."""
    name = command(pid)
    return name.startswith(b"ray::") and any(word in name for word in WORKERS)


def command(pid: int) -> bytes:
    """Returns the command line of a process, its words separated by zeros; empty if the process is gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


def _descends(pid: int, ancestor: int, parents: dict[int, int]) -> bool:
    while pid in parents:
        pid = parents[pid]
        if pid == ancestor:
            return True
    return False


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0
