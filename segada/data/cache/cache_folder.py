"""The cache folder of decoded frames: locking of writers, space limits, and removal of old entries."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final, cast

from segada.core.atomic_io import sync_folder
from segada.core.printing import tell
from segada.core.storage_errors import StorageError, writing

ENTRY, LOCK, DRAFT = ".frames", ".lock", ".draft"
"""Suffixes of finished entries, of locks and of unfinished entries."""
KEYS: Final = "[0-9a-f]" * 32
"""Pattern of the keys; files with other names are not touched."""
SPARE: Final = 2**30
"""Number of bytes that are left free on the file system for other files."""
SHORTEST, LONGEST = 0.01, 0.5
"""Shortest and longest interval between two attempts at a lock that another process holds, in seconds."""
PATIENCE: Final = 1.0
"""Seconds of waiting after which a message says what is waited for."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A file in the folder.

    Attributes:
        path: Path of the file.
        bytes: Size on the disk.
        used: Time when it was last opened, in seconds since 1970.
    """

    path: Path
    bytes: int
    used: float


class CacheFolder:
    """Cache entries by key; a file name that ends in `.frames` is always a complete entry."""

    def __init__(self, path: Path, limit: float) -> None:
        """Stores the path and the limit; creates nothing.

        Args:
            path: Path of the folder.
            limit: Number of bytes that all entries may take.

        Raises:
            ValueError: The path, or one of its parents, exists and is not a folder.
        """
        nearest = next(place for place in (path, *path.absolute().parents) if os.path.exists(place))  # noqa: PTH110 - also below a folder that may not be read
        if not nearest.is_dir():
            raise ValueError(f"{nearest} is no folder; set data.loading.cache to another one, or to null")
        self._path = path
        self._limit = limit

    def entry(self, key: str) -> Path:
        """Returns the path of the entry of a key, whether or not it exists."""
        return self._path / f"{key}{ENTRY}"

    @contextmanager
    def alone(self, key: str) -> Iterator[None]:
        """Holds the lock of a key while the context is open; waits for other processes that hold it.

        The kernel releases the lock of a process that dies. On a file system without locks, several processes may be
        inside, and do the same work.

        Raises:
            StorageError: The folder cannot be written to.
        """
        lock = self._path / f"{key}{LOCK}"
        with writing(lock):
            self._path.mkdir(parents=True, exist_ok=True)
            file = _locked(lock)
        with file:
            try:
                yield
            finally:
                lock.unlink(missing_ok=True)

    def write(self, key: str, size: int, fill: Callable[[FileIO], None]) -> None:
        """Writes an entry, after making space for it; must be called inside `alone`.

        Args:
            key: Key of the entry.
            size: Greatest number of bytes that it takes.
            fill: Function that writes the content into the empty file that it is called with.

        Raises:
            StorageError: There is no space for it; the unfinished file is removed.
        """
        for left in self._path.glob(f"{key}.*{DRAFT}"):
            # Left by a process that was killed while it held the lock.
            left.unlink(missing_ok=True)
        self._make_room(size)
        path = self.entry(key)
        with writing(path):
            handle, name = tempfile.mkstemp(dir=self._path, prefix=f"{key}.", suffix=DRAFT)
        draft = Path(name)
        try:
            # Without a buffer, so that closing the file has nothing left to write.
            with os.fdopen(handle, "wb", buffering=0) as file:
                fill(file)
                with writing(path):
                    os.fsync(file.fileno())
            with writing(path):
                draft.chmod(0o644)
                draft.replace(path)
                sync_folder(self._path)
        finally:
            draft.unlink(missing_ok=True)

    def touch(self, key: str) -> None:
        """Sets the time of the last use of an entry; does nothing if the folder is read-only."""
        with suppress(OSError):
            os.utime(self.entry(key))

    def entries(self) -> list[Stored]:
        """Returns all entries, the least recently used first."""
        return sorted(self._stored(ENTRY), key=lambda stored: stored.used)

    def remove(self, entry: Stored) -> bool:
        """Removes an entry unless a process has it open; returns True if it no longer exists."""
        try:
            with entry.path.open("rb+") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                entry.path.unlink()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    def remove_drafts(self) -> None:
        """Removes unfinished entries of processes that were killed."""
        for draft in self._path.glob(f"{KEYS}.*{DRAFT}"):
            lock = draft.with_name(f"{draft.name.partition('.')[0]}{LOCK}")
            file = _attempt(lock)
            if file is not None:
                with file:
                    draft.unlink(missing_ok=True)
                    lock.unlink(missing_ok=True)

    def _make_room(self, size: int) -> None:
        """Removes entries, the least recently used first, until the new one fits; raises `StorageError` if it does
        not."""
        held = sum(stored.bytes for ending in (ENTRY, f".*{DRAFT}") for stored in self._stored(ending))
        for entry in self.entries():
            if held + size <= self._limit:
                break
            if self.remove(entry):
                held -= entry.bytes
        if held + size > self._limit:
            raise StorageError(
                f"{self._path} may hold {_gib(self._limit)} (data.loading.cache_limit), of which {_gib(held)} are in "
                f"use, and these frames take {_gib(size)}"
            )
        free = shutil.disk_usage(self._path).free
        if free - size < SPARE:
            raise StorageError(
                f"the file system of {self._path} has {_gib(free)} free, and these frames take {_gib(size)}; "
                f"{_gib(SPARE)} are left for others"
            )

    def _stored(self, ending: str) -> list[Stored]:
        found = []
        for path in self._path.glob(f"{KEYS}{ending}"):
            with suppress(FileNotFoundError):
                status = path.stat()
                found.append(Stored(path, 512 * status.st_blocks, status.st_mtime))
        return found


def _locked(lock: Path) -> BinaryIO:
    """Waits for the lock; the returned file holds it until it is closed."""
    pause, begun, said = SHORTEST, time.monotonic(), False
    while True:
        file = _attempt(lock)
        if file is not None:
            return file
        if not said and time.monotonic() - begun > PATIENCE:
            tell(f"another process decodes the same frames; waiting for it ({lock})")
            said = True
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)


def _attempt(lock: Path) -> BinaryIO | None:
    """Returns the file with its lock; None if another process holds the lock, or has just removed the file."""
    file = cast(BinaryIO, lock.open("ab"))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    except OSError:
        # A file system without locks.
        return file
    # The previous holder of the lock may have removed the file that this process opened.
    if _is_at(file, lock):
        return file
    file.close()
    return None


def _is_at(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _gib(size: float) -> str:
    return f"{size / 2**30:.3g} GiB"
