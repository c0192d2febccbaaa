"""The kinds of faults, each injected into a running study."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
from typing_extensions import override

from benchmarks.search.damages import FileDamaged, JournalTorn
from benchmarks.search.endings import ControlServiceKilled, GroupTerminated, NodeManagerKilled, StartTerminated
from benchmarks.search.fault import DriverKilled, Impossible, Kind, command, workers, works
from benchmarks.search.invariants import under_way
from segada.cli.exit_codes import DONE, INTERRUPTED, WRONG_INPUT

MEGABYTES = 256
"""Size of the file system that is filled, and of the one that is made read-only; a study here takes a tenth."""
SHORTEST, LONGEST = 0.5, 5.0
"""Range of seconds for which a file system refuses writes."""


class WorkerKilled(Kind):
    """Kills one of the processes that run visits or prepare frames with SIGKILL."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Kills one of these processes; returns False if there are none."""
        working = workers(driver.pid)
        if not working:
            return False
        os.kill(working[generator.integers(len(working))], signal.SIGKILL)
        return True


class ProgramKilled(Kind):
    """Kills one of the programs of an external engine, or the guard of one, with SIGKILL."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Kills one of them; returns False if there are none."""
        pids = sorted(int(path.name) for path in Path("/proc").glob("[0-9]*"))
        running = [pid for pid in pids if bytes(out / "") in command(pid) and b"chaos_program" in command(pid)]
        if not running:
            return False
        with suppress(ProcessLookupError):
            os.kill(running[generator.integers(len(running))], signal.SIGKILL)
        return True


class NodeRemoved(Kind):
    """Removes one of three nodes, with all its processes; another one replaces it."""

    @property
    def options(self) -> list[str]:
        """Options that name the address of the nodes."""
        return ["--address", self._nodes.address]

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Starts the nodes within the context."""
        # Imported here because Ray takes seconds to import and the other kinds do not need it.
        from benchmarks.search.nodes import nodes

        with nodes() as self._nodes:
            yield

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Removes a node and returns True."""
        self._nodes.replace(generator)
        return True


class CheckpointTruncated(DriverKilled):
    """Kills the driver with SIGKILL, then truncates the checkpoint of an unfinished run."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Truncates a checkpoint at a random length; returns False if there is none."""
        if not _checkpoints(out):
            return False
        working = workers(driver.pid)
        super().strike(driver, out, generator)
        # Workers outlive the driver for moments, in which they might rewrite the file.
        while any(map(works, working)):
            time.sleep(0.02)
        left = _checkpoints(out)
        if left:
            path = left[generator.integers(len(left))]
            os.truncate(path, int(generator.integers(path.stat().st_size)))
        return True


class _SmallDisk(Kind):
    """A file system of the study's own, in memory, that refuses writes for a while."""

    codes = frozenset({DONE, INTERRUPTED})
    # An empty folder that refuses writes is a wrong input.
    codes_before = codes | {WRONG_INPUT}

    @contextmanager
    def ready(self) -> Iterator[None]:
        """Mounts the file system within the context."""
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
    """Makes the study's folder read-only; files that are already open stay writable."""

    # A driver that starts while the folder is read-only refuses it.
    codes = frozenset({DONE, INTERRUPTED, WRONG_INPUT})

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Makes it read-only for a while through a bind mount: a file system with open files cannot be remounted."""
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
    """Fills the file system."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Fills the file system for a while."""
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
KINDS_OF_COMMANDS: dict[str, type[Kind]] = {"program": ProgramKilled, **KINDS}
del KINDS_OF_COMMANDS["checkpoint"]
"""Kinds for an external engine, whose checkpoints are its own."""
ALL: dict[str, type[Kind]] = {**KINDS, **KINDS_OF_COMMANDS}


def _checkpoints(out: Path) -> list[Path]:
    states = (out / name / "checkpoint" / "state.pt" for name in sorted(under_way(out)))
    return [path for path in states if path.exists() and path.stat().st_size > 0]


def _mount(*options: str) -> None:
    mounted = subprocess.run(["mount", *options], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        raise Impossible(f"no file system can be mounted here, which needs root ({mounted.stderr.strip()})")


def _unmount(place: Path) -> None:
    # Lazily: processes with an open file keep that file only.
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def _fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 12):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
