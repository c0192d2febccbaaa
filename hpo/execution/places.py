"""Places that a Ray on this machine needs, checked before it starts: its temporary folder and shared memory."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

from segada.core.storage_errors import StorageError
from segada.errors import InputError

LONGEST = 107
"""Number of bytes in the longest path of a Unix socket."""
_SOCKET = "session_2026-01-01_00-00-00_000000_{process}/sockets/plasma_store"
"""Longest path of a socket in Ray's temporary folder, as long as those of the present process."""
_VARIABLES = ("RAY_TMPDIR", "TMPDIR")
SHARED_MEMORY = Path("/dev/shm")
LEAST = 256 << 20
"""Number of bytes of shared memory below which a search is told why it is slower."""


def check_temporary_folder() -> None:
    """Checks that Ray can have its files and sockets where its environment says.

    Raises:
        InputError: the path is too long for a socket, or not a folder that can be written.
        StorageError: its file system is full.
    """
    variable, folder = temporary_folder()
    named = folder if variable is None else f"{variable}={folder}"
    cure = f"set {variable or 'TMPDIR'} to another folder, as in {variable or 'TMPDIR'}=/var/tmp"
    place = Path(folder) / "ray"
    longest = len(os.fsencode(place / _SOCKET.format(process=os.getpid())))
    if longest > LONGEST:
        raise InputError(
            f"{named}: is {longest - LONGEST} bytes too long: the path of a socket has at most {LONGEST}, and Ray "
            f"begins its sockets' paths with it; {cure}"
        )
    try:
        place.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=place) as probe:
            probe.write(b"0" * 4096)
            probe.flush()
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageError(
                f"{named}: Ray has no space there for its temporary files; free some, or {cure}"
            ) from None
        raise InputError(f"{named}: Ray cannot keep its temporary files there ({error.strerror}); {cure}") from None


def temporary_folder() -> tuple[str | None, str]:
    """Returns the environment variable that names the folder of Ray's temporary files, and the folder."""
    variable = next((name for name in _VARIABLES if name in os.environ), None)
    return variable, "/tmp" if variable is None else os.environ[variable]


def small_shared_memory() -> str | None:
    """Returns a sentence if this machine has little shared memory, as containers do by default; None otherwise."""
    if not os.access(SHARED_MEMORY, os.W_OK):
        return _slower("is missing or cannot be written")
    free = shutil.disk_usage(SHARED_MEMORY).free
    return None if free >= LEAST else _slower(f"has only {free >> 20} MB free")


def _slower(problem: str) -> str:
    _, folder = temporary_folder()
    return (
        f"{SHARED_MEMORY} {problem}: Ray keeps what its workers share in {folder} instead, which is slower; give a "
        "container more, as in docker run --shm-size=2g"
    )
