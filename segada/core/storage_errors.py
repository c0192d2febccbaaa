"""File systems that take nothing more: full, out of quota, read-only, closed or gone. Nobody's mistake in a setting."""

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MOST_CAUSES = 20
"""Links of a chain of exceptions that are looked at."""

_WHAT_IS_WRONG: Mapping[int, str] = {
    errno.ENOSPC: "is full",
    errno.EDQUOT: "has no quota left",
    errno.EFBIG: "takes no larger file",
    errno.EROFS: "is read-only",
    errno.EACCES: "may not be written to",
    errno.EPERM: "may not be written to",
    errno.EIO: "fails",
    errno.ESTALE: "is gone",
    errno.ENOTCONN: "is gone",
}

_SAID: Mapping[str, int] = {
    "No space left on device": errno.ENOSPC,
    "disk is full": errno.ENOSPC,
    "Disk quota exceeded": errno.EDQUOT,
    "Read-only file system": errno.EROFS,
    "readonly database": errno.EROFS,
}
"""How databases, and libraries that pass on no number, say the same."""


class StorageError(OSError):
    """A file could not be written, for a reason that goes away without a change to the run.

    The text is one line: which file system, what is wrong with it, and the file.
    """


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """While the context is open, a file system that refuses is named.

    Args:
        path: The file that is written.

    Raises:
        StorageError: the file system refuses.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _WHAT_IS_WRONG:
            raise _named(error.errno, path) from error
        raise


def storage_error(error: BaseException, path: Path) -> StorageError | None:
    """The refusal of a file system behind an error of another library; None if there is none.

    Args:
        error: The error; what it was raised from is looked at too.
        path: Where it was writing, if it does not say.
    """
    for cause in causes(error):
        if isinstance(cause, StorageError):
            return cause
        if isinstance(cause, OSError) and cause.errno in _WHAT_IS_WRONG:
            return _named(cause.errno, Path(cause.filename) if isinstance(cause.filename, str) else path)
        for words, number in _SAID.items():
            line = next((line for line in str(cause).splitlines() if words in line), None)
            if line is not None:
                return StorageError(f"a file system {_WHAT_IS_WRONG[number]}: {line.strip()}")
    return None


def causes(error: BaseException) -> Iterator[BaseException]:
    """The error, and what it was raised from, one after the other."""
    cause: BaseException | None = error
    for _ in range(MOST_CAUSES):
        if cause is None:
            return
        yield cause
        cause = cause.__cause__ or cause.__context__


def _named(number: int | None, path: Path) -> StorageError:
    assert number is not None
    place = next(folder for folder in path.absolute().parents if folder.is_mount())
    free = os.statvfs(place)
    megabytes = free.f_bavail * free.f_frsize / 1e6
    return StorageError(f"the file system at {place} {_WHAT_IS_WRONG[number]} ({megabytes:.1f} MB free now): {path}")
