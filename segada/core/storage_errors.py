"""Errors of file systems that refuse writes: full, out of quota, read-only, closed or gone."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MOST_CAUSES = 20
"""Largest number of links of an exception chain that are examined."""

_PROBLEMS: Mapping[int, str] = {
    errno.ENOSPC: "is full",
    errno.EDQUOT: "has no quota left",
    errno.EFBIG: "takes no larger file",
    errno.EROFS: "is read-only",
    errno.EIO: "fails",
    errno.ESTALE: "is gone",
    errno.ENOTCONN: "is gone",
}

_DENIED = (errno.EACCES, errno.EPERM)
"""Errors of a file or its folder alone, not of the file system."""

_MESSAGES: Mapping[str, int] = {
    "No space left on device": errno.ENOSPC,
    "disk is full": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "readonly database": errno.EROFS,
}
"""Messages of databases and of libraries that report no error number."""


class StorageError(OSError):
    """A file could not be written, for a reason that does not depend on the run.

    The message is one line: the file system, its problem, and the file.
    """


class DeniedError(StorageError):
    """A file may not be written: unlike a full disk, this does not pass until its permissions are changed."""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Converts errors of a refusing file system within the context to StorageError.

    Args:
        path: File that is written.

    Raises:
        StorageError: if the file system refuses a write.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _PROBLEMS or error.errno in _DENIED:
            raise _named(error.errno, path) from error
        raise


def storage_error(error: BaseException, path: Path) -> StorageError | None:
    """Returns the file-system error behind an error of another library; None if there is none.

    Args:
        error: The error; its chain of causes is examined too.
        path: File being written, used if the error names none.
    """
    for cause in causes(error):
        if isinstance(cause, StorageError):
            return cause
        if isinstance(cause, OSError) and (cause.errno in _PROBLEMS or cause.errno in _DENIED):
            return _named(cause.errno, Path(cause.filename) if isinstance(cause.filename, str) else path)
        for words, number in _MESSAGES.items():
            line = next((line for line in str(cause).splitlines() if words in line), None)
            if line is not None:
                return StorageError(f"a file system {_PROBLEMS[number]}: {line.strip()}")
    return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """Yields the error and its chain of causes."""
    cause: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__


def _named(number: int | None, path: Path) -> StorageError:
    assert number is not None
    if number in _DENIED:
        return DeniedError(f"{path}: {os.strerror(number)}; change the permissions of the file or of its folder")
    place = next(folder for folder in path.absolute().parents if folder.is_mount())
    free = os.statvfs(place)
    megabytes = free.f_bavail * free.f_frsize / 1e6
    return StorageError(f"the file system at {place} {_PROBLEMS[number]} ({megabytes:.1f} MB free now): {path}")
