"""One driver at a time works in a folder."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from segada.settings.files import InputError

LOCK = "driver.lock"


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Holds the folder's lock, which the kernel takes back if the process dies.

    Raises:
        InputError: another driver holds it.
    """
    with (out / LOCK).open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{out}: another driver works in this folder; wait for it, or name another folder with --out"
            ) from None
        yield
