"""Atomic file writes: a reader, also after a kill at any moment, sees either the old or the new content."""

import os
import tempfile
from collections.abc import Mapping
from itertools import chain, count
from pathlib import Path

from segada.core.storage_errors import writing


def write_bytes(path: Path, content: bytes, former: Path | None = None) -> None:
    """Replaces the file's content; creates its folder if missing.

    The content is on disk when this returns, so that a machine failure does not lose it.

    Args:
        path: The file.
        content: Complete new content.
        former: Path to which the old content is moved once the new is complete; a kill between both moves leaves only
            this file.

    Raises:
        StorageError: if the file system refuses the write; the old content is kept.
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
    """Replaces the file's content, encoded as UTF-8; raises as `write_bytes` does."""
    write_bytes(path, content.encode())


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Creates a folder with these files atomically: afterwards it is either absent or complete.

    Args:
        path: The folder, which must be absent or empty.
        files: Contents by file name.

    Raises:
        StorageError: if the file system refuses the write; nothing is left behind.
        OSError: if the folder already contains something.
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
    """Renames a damaged file to `NAME.damaged`, or with the next free number, so that it can be replaced.

    Returns:
        The new path.
    """
    with writing(path):
        return path.rename(damaged_name(path))


def damaged_name(path: Path) -> Path:
    """Returns an unused name under which a damaged file is kept."""
    kept = path.with_name(f"{path.name}.damaged")
    numbered = (kept.with_name(f"{kept.name}.{number}") for number in count(2))
    return next(name for name in chain([kept], numbered) if not name.exists())


def add_line(path: Path, line: str) -> None:
    """Appends a line, UTF-8, to a file in an existing folder; first terminates an incomplete last line.

    The line has been passed to the operating system when this returns, but is not synchronized to disk.

    Raises:
        StorageError: if the file system refuses the write; a part of the line may have been written.
    """
    with writing(path), path.open("a+b") as file:
        if file.tell() > 0:
            file.seek(-1, os.SEEK_END)
            if file.read(1) != b"\n":
                line = f"\n{line}"
        file.write(f"{line}\n".encode())


def sync_folder(folder: Path) -> None:
    """Synchronizes a folder's entries to disk, which makes renames in it durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
