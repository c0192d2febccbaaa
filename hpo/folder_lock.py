"""One driver at a time works in a folder, and one that is refused leaves it as it was."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from segada.settings.files import InputError

LOCK = "driver.lock"
WORTH = ("state.pt", "visits.jsonl", "weights.safetensors", "report.json")
"""Files of runs that have got somewhere; what holds one is never removed."""


@contextmanager
def claimed(out: Path) -> Iterator[None]:
    """Makes the folder if it is missing, and holds its lock, which the kernel takes back if the process dies.

    If the work ends in an InputError before any run has got anywhere, what it has made is removed again.

    Raises:
        InputError: another driver holds the lock, or the folder cannot be made.
    """
    missing = [folder for folder in (out, *out.parents) if not folder.exists()]
    before = set() if missing else {*out.iterdir()} if out.is_dir() else set()
    with _locked(out):
        try:
            yield
        except InputError:
            _restore(out, before, missing)
            raise


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    try:
        out.mkdir(parents=True, exist_ok=True)
        file = (out / LOCK).open("a")
    except OSError as failure:
        raise InputError(f"{out}: cannot be the folder of a study ({failure}); name another one with --out") from None
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _occupied(out) from None
        # A driver that was refused in the meantime may have removed the file that this one opened.
        if not _is_at(file, out / LOCK):
            raise _occupied(out)
        yield


def _is_at(file: TextIO, path: Path) -> bool:
    return path.exists() and os.fstat(file.fileno()).st_ino == path.stat().st_ino


def _occupied(out: Path) -> InputError:
    return InputError(f"{out}: another driver works in this folder; wait for it, or name another folder with --out")


def _restore(out: Path, before: set[Path], missing: list[Path]) -> None:
    made = {*out.iterdir()} - before
    if any(path.name in WORTH for entry in made for path in [entry, *entry.rglob("*")]):
        return
    for entry in made:
        if entry.is_dir():
            shutil.rmtree(entry)
        else:
            entry.unlink()
    for folder in missing:
        if any(folder.iterdir()):
            return
        folder.rmdir()
