"""Starts of a program in the folder of its run: the first, and those after a kill."""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from hpo.config.program import LOCK, STARTS
from hpo.external.protocol import Start
from segada.core.atomic_io import write_text

EVERY: Final = 0.05
"""Seconds between two attempts to lock."""
MARGIN: Final = 5.0
"""Seconds beyond the grace that an earlier program gets to end."""
_STARTS = TypeAdapter(list[Start])


class StillAlive(Exception):
    """An earlier program of the run still has its folder."""


def begun(folder: Path, source: Path, *, can_resume: bool, is_log: bool) -> list[Start]:
    """Records a further start and returns all, the new one last.

    Args:
        folder: folder of the run.
        source: file from which the visits are read; a line that a kill left incomplete is cut off.
        can_resume: True if the program can continue after the visits before.
        is_log: True if `source` is the log, which is kept when a program begins anew.
    """
    path = folder / STARTS
    starts = _STARTS.validate_json(path.read_bytes()) if path.exists() else []
    resumes = bool(starts) and can_resume
    if starts and not resumes and not is_log:
        source.unlink(missing_ok=True)
        starts = []
    _cut(source)
    starts = [*starts, Start(source.stat().st_size if source.exists() else 0, resumes)]
    write_text(path, _STARTS.dump_json(starts).decode())
    return starts


@contextmanager
def alone(folder: Path, grace: float) -> Iterator[int]:
    """Locks the folder of a run against another program of the same run, and yields the lock's descriptor.

    Processes that inherit the descriptor keep the lock. A program of an earlier start gets its grace to end.

    Args:
        folder: folder of the run.
        grace: seconds that its guard gives a program to end.

    Raises:
        StillAlive: it does not end.
    """
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        if not (_locks(lock, grace + MARGIN) or (_ends(lock) and _locks(lock, MARGIN))):
            raise StillAlive(f"{folder}: an earlier program of this run is still alive there")
        yield lock
    finally:
        os.close(lock)


def _locks(lock: int, seconds: float) -> bool:
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= end:
                return False
            time.sleep(EVERY)
        else:
            return True


def _ends(lock: int) -> bool:
    """Kills the program that holds the lock; returns False if it is on another machine."""
    host, _, group = os.pread(lock, 500, 0).decode().partition(" ")
    if host != os.uname().nodename or not group.isdigit():
        return False
    with contextlib.suppress(ProcessLookupError):
        os.killpg(int(group), signal.SIGKILL)
    return True


def _cut(source: Path) -> None:
    if not source.exists():
        return
    with source.open("r+b") as file:
        content = file.read()
        file.truncate(content.rfind(b"\n") + 1)
