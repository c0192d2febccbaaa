"""What can befall a study that runs: the kinds of mishap, each done to a real one."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from typing_extensions import override

from benchmarks.search.damages import FileDamaged, JournalTorn
from benchmarks.search.endings import ControlServiceKilled, GroupTerminated, NodeManagerKilled, StartTerminated
from benchmarks.search.fault import DriverKilled, Impossible, Kind, workers, works
from benchmarks.search.invariants import under_way
from segada.cli.exit_codes import DONE, INTERRUPTED, WRONG_INPUT

MEGABYTES = 256
"""Of the file system that is filled, and of the one that is closed; a study here takes a tenth."""
SHORTEST, LONGEST = 0.5, 5.0
"""Seconds for which a file system takes nothing."""


class WorkerKilled(Kind):
    """SIGKILL to one of the processes that make visits or frames."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Kills one of those that there are."""
        working = workers(driver.pid)
        if not working:
            return False
        os.kill(working[generator.integers(len(working))], signal.SIGKILL)
        return True


class NodeRemoved(Kind):
    """The end of a node of three, with all its processes; another one comes after it."""

    @property
    def options(self) -> list[str]:
        """Where the nodes are."""
        return ["--address", self._nodes.address]

    @contextmanager
    def ready(self) -> Iterator[None]:
        """The nodes."""
        # Imported here: Ray takes seconds, and the other kinds do without it.
        from benchmarks.search.nodes import nodes

        with nodes() as self._nodes:
            yield

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Removes one."""
        self._nodes.replace(generator)
        return True


class CheckpointTruncated(DriverKilled):
    """SIGKILL to the driver, and then a run that was under way finds only the beginning of its checkpoint."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Cuts one off where there is one, at any length."""
        if not _checkpoints(out):
            return False
        working = workers(driver.pid)
        super().strike(driver, out, generator)
        # They outlive it by moments, in which they might write the file anew.
        while any(map(works, working)):
            time.sleep(0.02)
        left = _checkpoints(out)
        if left:
            path = left[generator.integers(len(left))]
            os.truncate(path, int(generator.integers(path.stat().st_size)))
        return True


class _SmallDisk(Kind):
    """A file system of the study's own, in memory, that refuses for a while."""

    codes = frozenset({DONE, INTERRUPTED})
    # A folder that takes nothing and holds nothing is a wrong folder.
    codes_before = codes | {WRONG_INPUT}

    @contextmanager
    def ready(self) -> Iterator[None]:
        """The file system."""
        _mount("-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(self.place))
        try:
            yield
        finally:
            _unmount(self.place)

    def _wait(self, driver: "subprocess.Popen[bytes]", generator: np.random.Generator) -> None:
        end = time.monotonic() + generator.uniform(SHORTEST, LONGEST)
        while time.monotonic() < end and driver.poll() is None:
            time.sleep(0.02)


class ReadOnly(_SmallDisk):
    """No file below the study's folder can be opened for writing, or made; those that are open already go on."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Closes it for a while, by mounting it upon itself: a file system with an open file cannot be closed."""
        if not out.is_dir():
            return False
        _mount("--bind", str(out), str(out))
        try:
            _mount("-o", "remount,bind,ro", str(out))
            self._wait(driver, generator)
        finally:
            _unmount(out)
        return True


class DiskFull(_SmallDisk):
    """No byte is left."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Fills it for a while."""
        filler = self.place / "filler"
        try:
            _fill(filler)
            self._wait(driver, generator)
        finally:
            filler.unlink()
        return True


KINDS: dict[str, type[Kind]] = {
    "driver": DriverKilled,
    "worker": WorkerKilled,
    "node": NodeRemoved,
    "read-only": ReadOnly,
    "disk-full": DiskFull,
    "checkpoint": CheckpointTruncated,
    "group": GroupTerminated,
    "start-up": StartTerminated,
    "raylet": NodeManagerKilled,
    "gcs": ControlServiceKilled,
    "damage": FileDamaged,
    "journal": JournalTorn,
}


def _checkpoints(out: Path) -> list[Path]:
    states = (out / name / "checkpoint" / "state.pt" for name in sorted(under_way(out)))
    return [path for path in states if path.exists() and path.stat().st_size > 0]


def _mount(*options: str) -> None:
    said = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if said.returncode != 0:
        raise Impossible(f"no file system can be mounted here, which needs root ({said.stderr.strip()})")


def _unmount(place: Path) -> None:
    # Lazily: who has a file open in it keeps that alone.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
