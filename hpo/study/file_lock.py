"""File lock that the kernel releases when its process dies, so that no stale lock remains."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from segada.settings.inputs import check_regular

SHORTEST, LONGEST = 0.001, 0.05
"""Bounds of the seconds between two attempts. On a network file system, a blocking wait retries only twice a minute."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits for the lock on a file, and holds it while the context is open.

    Its folder is created if it is missing. The owner of the lock may remove the file and the folder.
    """
    with take(path):
        yield


def take(path: Path) -> TextIO:
    """Waits for the lock on a file; it ends when the returned file is closed or the process dies."""
    pause = SHORTEST
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = attempt(path, "a")
        if file is not None:
            return file
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)


def attempt(path: Path, mode: Literal["a", "r", "r+"]) -> TextIO | None:
    """Opens and locks a file; returns None if another process holds the lock, or the file is gone.

    Args:
        path: path of the file.
        mode: `a` creates a missing file; `r`, which writes nothing, and `r+` do not.

    Raises:
        InputError: the path is not a regular file.
    """
    check_regular(path)
    try:
        file = path.open(mode, encoding="utf-8")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    # The previous owner of the lock may have removed the file that this process opened.
    if _is_at(file, path):
        return file
    file.close()
    return None


def _is_at(file: TextIO, path: Path) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
