"""Writing files so that a reader, or a kill at any moment, sees the old content or the new, never a part."""

import os
import tempfile
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path

from segada.core.storage_errors import writing


def write_bytes(path: Path, content: bytes, former: Path | None = None) -> None:
    """Replaces the file's content; its folder is made if it is missing.

    The content is on the disk when this returns, so that a failing machine loses nothing of it.

    Args:
        path: The file.
        content: All of it.
        former: Where the old content goes, once the new is whole; a kill at that moment leaves it there alone.

    Raises:
        StorageError: the file system takes nothing more; the old content stays.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        draft = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.chmod(0o644)
            if former is not None and path.exists():
                path.replace(former)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(path.parent)


def write_text(path: Path, content: str) -> None:
    """Replaces the file's content, UTF-8. Raises as `write_bytes` does."""
    write_bytes(path, content.encode())


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Makes a folder with these files in one step: it is not there, or whole.

    Args:
        path: The folder, which is not there yet or is empty.
        files: Content by name.

    Raises:
        StorageError: the file system takes nothing more; nothing is left behind.
        OSError: something is in the folder already.
    """
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}.") as above:
            draft = Path(above) / path.name
            for name, content in files.items():
                write_bytes(draft / name, content)
            draft.replace(path)
        sync_folder(path.parent)


def keep_damaged(path: Path) -> Path:
    """Moves a damaged file out of the way of the one that replaces it: to `NAME.damaged`, or the next free number.

    Returns:
        Where it is now.
    """
    with writing(path):
        return path.rename(damaged_name(path))


def damaged_name(path: Path) -> Path:
    """The name under which a damaged file is kept; nothing has it yet."""
    kept = path.with_name(f"{path.name}.damaged")
    numbered = (kept.with_name(f"{kept.name}.{number}") for number in count(2))
    return next(name for name in chain([kept], numbered) if not name.exists())


def add_line(path: Path, line: str) -> None:
    """Adds a line, UTF-8, to a file in a folder that exists; a part of a line that a kill left is ended first.

    The line is the system's when this returns, and on the disk when that sees fit.

    Raises:
        StorageError: the file system takes nothing more; a part of the line may have been written.
    """
    with writing(path), path.open("a+b") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = f"\n{line}"
        file.write(f"{line}\n".encode())


def sync_folder(folder: Path) -> None:
    """Puts on the disk which files a folder has: renaming one is not done before that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
