"""Search through the folders of a pattern, with an account of what is passed over."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from segada.data.datasets.file_keys import FilePattern, as_expression, composed, is_picture, varies
from segada.data.datasets.left_out import (
    AS_TEXT,
    DANGLING,
    FORBIDDEN,
    HIDDEN,
    INCOMPLETE,
    LOOPS,
    NOT_ENTERED,
    SPECIAL,
    UNMATCHED,
)
from segada.settings.file_pattern import FOLDERS

LONGEST_PATH: Final = 4096
"""Number of bytes of the longest path."""


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder in a search.

    Attributes:
        path: Its path.
        name: Its name below the root of the search with accents composed; empty, or with a slash at its end.
        real: Path without links.
        left: Paths without links of the folders from which links led here.
    """

    path: Path
    name: str
    real: str
    left: tuple[str, ...] = ()

    def inside(self, name: str) -> "Folder":
        """Returns a folder inside it."""
        path, below = self.path / name, f"{self.name}{composed(name)}/"
        if holds(path.is_symlink):
            return Folder(path, below, os.path.realpath(path), (*self.left, self.real))
        return Folder(path, below, f"{self.real.rstrip('/')}/{name}", self.left)

    @property
    def loops(self) -> bool:
        """True if it is a link, or below one, to a folder that contains it."""
        return any(f"{one}/".startswith(f"{self.real.rstrip('/')}/") for one in self.left)


class Search:
    """Search for the files of a pattern.

    Attributes:
        matched: Name below the root with accents composed, path, and key of each file.
        folders: Folders that were searched for files.
        left_out: Paths that are passed over, by reason.
    """

    def __init__(self, pattern: FilePattern, root: Path) -> None:
        self.matched: list[tuple[str, str, str]] = []
        self.folders: list[Folder] = []
        self.left_out: dict[str, set[str]] = {}
        self._pattern = pattern
        self._searched: set[tuple[Path, int]] = set()
        self._listed: dict[Path, list[os.DirEntry[str]]] = {}
        self._search(Folder(root, "", os.path.realpath(root)), 0)

    def _search(self, folder: Folder, place: int) -> None:
        """Searches a folder for what the pattern has at a place of its parts and after it."""
        # Several ** reach a folder in several ways.
        if (folder.path, place) in self._searched:
            return
        self._searched.add((folder.path, place))
        part = self._pattern.parts[place]
        if place + 1 == len(self._pattern.parts):
            self._take_files(folder)
        elif part == FOLDERS:
            self._search(folder, place + 1)
            self._search_below(folder, place)
        elif part.isascii() and not varies(part):
            self._enter(folder, place)
        else:
            for inner in self._folders(folder, part):
                self._search(inner, place + 1)

    def _search_below(self, folder: Folder, place: int) -> None:
        """Searches all folders below a folder, where the pattern has `**`."""
        if place + 2 < len(self._pattern.parts):
            self._pass_over_pictures(folder)
        for inner in self._folders(folder, "*"):
            if inner.loops:
                self._leave(LOOPS, inner.path)
            else:
                self._search(inner, place)

    def _enter(self, folder: Folder, place: int) -> None:
        """Searches the folder inside a folder that the pattern names."""
        part = self._pattern.parts[place]
        path = folder.path / part
        if holds(path.is_dir):
            self._search(folder.inside(part), place + 1)
        elif holds(path.is_symlink):
            self._leave(DANGLING, path)
        elif folder.name and self._pattern.parts[place - 1] != FOLDERS:
            self._leave(INCOMPLETE, folder.path)

    def _folders(self, folder: Folder, part: str) -> Iterator[Folder]:
        """Yields the folders inside a folder that match a part of the pattern."""
        expression = as_expression(part)
        for entry in self._entries(folder.path):
            matches = expression.fullmatch(composed(entry.name)) is not None
            hidden = entry.name.startswith(".") and not part.startswith(".")
            if not holds(entry.is_dir):
                if matches and not hidden:
                    self._pass_over_link(entry)
            elif hidden:
                self._leave(HIDDEN, entry.path)
            elif matches:
                yield folder.inside(entry.name)
            elif varies(part):
                self._leave(NOT_ENTERED, entry.path)

    def _pass_over_pictures(self, folder: Folder) -> None:
        """Accounts for the pictures in a folder in which files are not searched for."""
        for entry in self._entries(folder.path):
            if is_picture(entry.name) and self._pattern.key(folder.name + composed(entry.name)) is None:
                self._pass_over(entry, wanted=True, hidden=entry.name.startswith("."))

    def _pass_over_link(self, entry: os.DirEntry[str]) -> None:
        """Accounts for what was a link to a folder, perhaps."""
        if entry.is_symlink() and not holds(entry.is_file):
            self._leave(DANGLING, entry.path)
        elif "." not in entry.name and holds(entry.is_file) and holds(partial(_is_path, Path(entry.path))):
            self._leave(AS_TEXT, entry.path)

    def _take_files(self, folder: Folder) -> None:
        self.folders.append(folder)
        shows_hidden = self._pattern.parts[-1].startswith(".")
        for entry in self._entries(folder.path):
            name = folder.name + composed(entry.name)
            key = self._pattern.key(name)
            hidden = entry.name.startswith(".") and not shows_hidden
            if key is not None and not hidden and holds(entry.is_file):
                self.matched.append((name, entry.path, key))
            else:
                self._pass_over(entry, wanted=key is not None or is_picture(entry.name), hidden=hidden)

    def _pass_over(self, entry: os.DirEntry[str], *, wanted: bool, hidden: bool) -> None:
        """Accounts for an entry in a folder of files that is none of them.

        Args:
            entry: The entry.
            wanted: Whether it matches the pattern or has the suffix of a picture.
            hidden: Whether its name begins with a dot.
        """
        if holds(entry.is_dir):
            # Hidden folders are noise here; where folders are searched, they are counted.
            reason = None if hidden else NOT_ENTERED
        elif hidden:
            reason = HIDDEN if wanted else None
        elif entry.is_symlink() and not holds(entry.is_file):
            reason = DANGLING
        else:
            reason = (UNMATCHED if holds(entry.is_file) else SPECIAL) if wanted else None
        if reason is not None:
            self._leave(reason, entry.path)

    def _entries(self, path: Path) -> list[os.DirEntry[str]]:
        """Returns the entries of a folder; none if it does not exist or may not be read."""
        if path not in self._listed:
            self._listed[path] = []
            try:
                with os.scandir(path) as entries:
                    self._listed[path] = list(entries)
            except PermissionError:
                self._leave(FORBIDDEN, path)
            except (FileNotFoundError, NotADirectoryError):
                # The caller says that there are no files.
                pass
        return self._listed[path]

    def _leave(self, reason: str, path: str | Path) -> None:
        self.left_out.setdefault(reason, set()).add(str(path))


def _is_path(file: Path) -> bool:
    """Returns True if the content of a file is the path of a link, and no more."""
    if file.stat().st_size > LONGEST_PATH:
        return False
    content = file.read_bytes().decode("utf-8", "replace")
    return "/" in content and content.isprintable()


def holds(question: Callable[[], bool]) -> bool:
    """Returns the answer about an entry; False if it is a link in a circle, or into a folder that may not be read."""
    try:
        return question()
    except OSError:
        return False
