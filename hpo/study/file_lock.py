"""A lock on a file that the kernel takes back from a process that dies, so that none is ever left behind."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, TextIO

from segada.settings.files import check_regular

SHORTEST, LONGEST = 0.001, 0.05
"""Seconds between two attempts: on a network file system to wait in the kernel would be to look twice a minute."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Waits for the lock on a file, and has it while the context is open.

    Its folder is made if it is missing. Whoever has the lock may remove the file, and the folder too.
    """
    with take(path):
        yield


def take(path: Path) -> TextIO:
    """Waits for the lock on a file, which ends when the file that is returned is closed, or the process dies."""
    pause = SHORTEST
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = attempt(path, "a")
        if file is not None:
            return file
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)


def attempt(path: Path, mode: Literal["a", "r", "r+"]) -> TextIO | None:
    """The file with its lock, or None if another process has that, or the file is gone.

    Args:
        path: of the file.
        mode: `a` makes a file that is missing; `r`, which writes nothing, and `r+` do not.

    Raises:
        InputError: there is something else in the place of the file.
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
    # Whoever had the lock may have removed the file that this process opened.
    if _is_at(file, path):
        return file
    file.close()
    return None


def _is_at(file: TextIO, path: Path) -> bool:
    try:
        return os.fstat(file.fileno()).st_ino == path.stat().st_ino
    except FileNotFoundError:
        return False
