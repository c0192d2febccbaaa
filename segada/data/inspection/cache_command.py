"""Listing and clearing of the cache of decoded frames: `python -m segada.data cache`."""

import argparse
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

from segada.cli.console import wide_terminal
from segada.data.cache.cache_entry import Contents, DamagedEntry, read_contents
from segada.data.cache.cache_folder import CacheFolder, Stored
from segada.errors import InputError
from segada.settings.folders import expand
from segada.settings.loading import LoadingSettings

HOUR, DAY = 3600.0, 86400.0


def cache(arguments: argparse.Namespace) -> None:
    """Prints the entries of a cache, the least recently used first, or removes them.

    Raises:
        InputError: The path is not a folder.
    """
    console = wide_terminal()
    default = LoadingSettings().cache
    assert default is not None
    try:
        path = expand(arguments.folder or default)
        folder = CacheFolder(path, float("inf"))
    except ValueError as error:
        raise InputError(str(error)) from error
    if arguments.folder is not None and not path.is_dir():
        raise InputError(f"{path}: no such folder")
    entries = folder.entries()
    if arguments.clear:
        _clear(folder, entries, path, console)
    elif entries:
        console.print(_table(entries, path))
    else:
        console.print(f"{path} holds no frames", soft_wrap=True)


def _clear(folder: CacheFolder, entries: list[Stored], path: Path, console: Console) -> None:
    removed = [entry for entry in entries if folder.remove(entry)]
    folder.remove_drafts()
    console.print(f"{path}: {len(removed)} of {len(entries)} removed, {_mebibytes(removed)} MiB free", soft_wrap=True)
    if len(removed) < len(entries):
        console.print(f"{len(entries) - len(removed)} are in use, or you lack the permission to remove them")


def _table(entries: list[Stored], path: Path) -> Table:
    table = Table(title=str(path), caption=f"{_mebibytes(entries)} MiB in {len(entries)} files")
    for column in ("frames of", "size", "frames", "left out", "MiB", "last used"):
        table.add_column(column, justify="left" if column == "frames of" else "right")
    for entry in entries:
        table.add_row(*_described(entry.path), _mebibytes([entry]), _ago(time.time() - entry.used))
    return table


def _described(path: Path) -> tuple[str, str, str, str]:
    try:
        with path.open("rb") as file:
            contents = read_contents(file)
    except (DamagedEntry, OSError) as problem:
        return f"{path.name}: {problem}", "", "", ""
    return _columns(contents)


def _columns(contents: Contents) -> tuple[str, str, str, str]:
    size = f"{contents.height}x{contents.width}"
    return contents.identity, size, str(len(contents.numbers)), str(len(contents.left_out))


def _mebibytes(entries: list[Stored]) -> str:
    return f"{sum(entry.bytes for entry in entries) / 2**20:.1f}"


def _ago(seconds: float) -> str:
    if seconds < DAY:
        return f"{seconds / HOUR:.1f} h ago"
    return f"{seconds / DAY:.0f} days ago"
