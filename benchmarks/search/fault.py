"""What can befall a study that runs: how a kind of mishap is described, and the processes that it is done to."""

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
"""In the names of processes that Ray has compute something for a study."""


class Impossible(Exception):
    """This machine does not let a kind of mishap happen; the text says why."""


class Kind(ABC):
    """A kind of mishap, on studies in a folder of its own, while its context is open."""

    codes = frozenset({DONE})
    """Exit codes with which a driver may end of it, while there is a study to go on with."""
    codes_before = codes
    """The same before there is one."""

    ends_within: float | None = None
    """Seconds in which a driver has to end of it, with its results written; None if it need not end."""
    is_spread = True
    """Whether it happens at any point of a study's life, or only while a driver starts."""

    def __init__(self, place: Path) -> None:
        """Of studies in this folder, which is made if it is missing."""
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self.damaged: set[str] = set()
        """Folders of runs of which it has damaged files, so that they may be run again."""

    @property
    def options(self) -> list[str]:
        """Of the driver's command line."""
        return []

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Whatever it takes, while the context is open.

        Raises:
            Impossible: this machine does not allow it.
        """
        yield

    @abstractmethod
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Lets it happen, and waits for its end; False if there was nothing to happen to yet."""


class DriverKilled(Kind):
    """SIGKILL to the driver, whose Ray dies with it."""

    codes = codes_before = frozenset({DONE, -signal.SIGKILL})

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Kills it."""
        driver.kill()
        driver.wait()
        return True


def workers(driver: int) -> list[int]:
    """Processes that compute something for the driver of this id, in the order of their ids."""
    return [pid for pid in descendants(driver) if works(pid)]


def descendants(ancestor: int) -> list[int]:
    """Processes that this one has started, or one of those, in the order of their ids."""
    parents = {int(path.name): _parent(path) for path in Path("/proc").glob("[0-9]*")}
    return [pid for pid in sorted(parents) if _descends(pid, ancestor, parents)]


def works(pid: int) -> bool:
    """Whether a process computes something for a study."""
    name = command(pid)
    return name.startswith(b"ray::") and any(word in name for word in WORKERS)


def command(pid: int) -> bytes:
    """Of a process, its words divided by zeros; empty if it is gone."""
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
