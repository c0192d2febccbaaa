"""Groups of pictures in a tree of folders: those of one folder whose names have the same beginning and end."""

import os
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image

from segada.data.datasets.file_keys import by_numbers, is_picture
from segada.data.discovery.name_words import IMAGE, LABEL, OTHER

Nature: TypeAlias = Literal["image", "label", "other"]

MOST_FOLDERS: Final = 5000
"""Number of folders of a tree that are listed."""
MOST_LABEL_VALUES: Final = 256
"""Number of different values up to which a picture without telling name can be a label file."""
FLAT: Final = 0.85
"""Share of pixels equal to their right neighbor from which a picture without telling name is a label file."""
STRANGE: Final = frozenset("[]*?")
"""Characters that names in a pattern cannot have."""


@dataclass(frozen=True)
class FileGroup:
    """Pictures of one kind in one folder.

    Attributes:
        root: Root of the tree.
        folder: Names of the folders below the root.
        head: Beginning of every file name, empty if there is none of its own.
        tail: End of every file name before the suffix.
        ending: Suffix in lower case, without dot.
        files: File names by the text between head and tail.
        nature: What the pictures are.
    """

    root: Path
    folder: tuple[str, ...]
    head: str
    tail: str
    ending: str
    files: Mapping[str, str]
    nature: Nature = "other"

    @property
    def words(self) -> str:
        """Names that tell the nature of the pictures, without the root."""
        return " ".join((*self.folder, self.head, self.tail))

    def paths(self) -> list[Path]:
        """Returns the paths, in the order of the recording."""
        names = sorted(self.files.values(), key=by_numbers)
        return [self.root.joinpath(*self.folder, name) for name in names]


@dataclass(frozen=True)
class Tree:
    """A tree of folders.

    Attributes:
        root: Its root.
        groups: Groups of pictures.
        others: Other files.
    """

    root: Path
    groups: Sequence[FileGroup]
    others: Sequence[Path]


def read_tree(root: Path) -> Tree:
    """Lists a tree of folders, links followed, hidden ones left out, and groups its pictures by name."""
    groups: list[FileGroup] = []
    others: list[Path] = []
    for folder, names in _walk(root):
        parts = folder.relative_to(root).parts
        others += [folder / name for name in names if not is_picture(name)]
        if not any(STRANGE & set(part) for part in parts):
            groups += _grouped(root, parts, [name for name in names if is_picture(name)])
    return Tree(root, groups, others)


def _walk(root: Path) -> Iterator[tuple[Path, list[str]]]:
    seen: set[str] = set()
    for folder, inside, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        inside[:] = [] if real in seen else sorted(name for name in inside if not name.startswith("."))
        if real in seen:
            continue
        seen.add(real)
        yield Path(folder), sorted(name for name in names if not name.startswith("."))
        if len(seen) == MOST_FOLDERS:
            return


def _grouped(root: Path, folder: tuple[str, ...], names: Sequence[str]) -> Iterator[FileGroup]:
    """Yields the groups of a folder by suffix and affixes."""
    by_affixes: dict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)
    for ending, stems in _by_ending(names).items():
        tails = {_tail(stem) for stem in stems}
        for stem, name in stems.items():
            tail = _tail(stem) if len(tails) == 1 or _tells(_tail(stem)) else ""
            head = _head(stem[: len(stem) - len(tail)])
            by_affixes[head, tail, ending][stem[len(head) : len(stem) - len(tail)]] = name
    for (head, tail, ending), files in by_affixes.items():
        group = FileGroup(root, folder, head, tail, ending, files)
        yield FileGroup(root, folder, head, tail, ending, files, _nature(group))


def _by_ending(names: Iterable[str]) -> dict[str, dict[str, str]]:
    """Returns file names by stem, by suffix in lower case."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for name in names:
        stem, _, ending = name.rpartition(".")
        found[ending.lower()][stem] = name
    return found


def _tail(stem: str) -> str:
    """Returns the words at the end of a name: `_gtFine_labelIds`."""
    found = re.search(r"(?<=.)(?:[_\-. ][A-Za-z][A-Za-z0-9]*)+$", stem)
    return "" if found is None else found[0]


def _head(stem: str) -> str:
    """Returns the word at the beginning of a name, if it tells what the file is: `mask_`, or a whole name `mask`."""
    found = re.match(r"[A-Za-z]+(?:[_\-. ]?(?=\d)|$)", stem)
    return found[0] if found is not None and _tells(found[0]) else ""


def _tells(affix: str) -> bool:
    return any(words.search(affix) for words in (IMAGE, LABEL, OTHER))


def _nature(group: FileGroup) -> Nature:
    """Tells images from labels by the words in the file names and in the nearest folder that has some, otherwise by the
    content of a file."""
    paths = group.paths()
    path = next((path for path in (paths[len(paths) // 2], paths[0], paths[-1]) if _can_be_read(path)), paths[0])
    by_folder = next((told for name in reversed(group.folder) if (told := _told(name))), set())
    words = [_told(f"{group.head} {group.tail}"), by_folder]
    if any("other" in told for told in words):
        return "other"
    if {"label"} in words:
        return "label" if _may_be_labels(path) else "image"
    if {"image"} in words:
        return "image"
    return "label" if _may_be_labels(path, strict=True) else "image"


def _can_be_read(path: Path) -> bool:
    try:
        with Image.open(path):
            return True
    except (OSError, ValueError):
        return False


def _told(words: str) -> set[str]:
    return {name for name, known in (("image", IMAGE), ("label", LABEL), ("other", OTHER)) if known.search(words)}


def _may_be_labels(path: Path, *, strict: bool = False) -> bool:
    """Returns True if a picture can be a label file.

    Args:
        path: The picture.
        strict: True to require few values in flat areas.
    """
    pixels = _pixels(path)
    if pixels is None:
        return False
    values = np.unique(pixels.reshape(-1, pixels.shape[-1]), axis=0)
    if not strict:
        return len(values) <= 16 * MOST_LABEL_VALUES
    flat = np.mean((pixels[:, 1:] == pixels[:, :-1]).all(axis=-1)) if pixels.shape[1] > 1 else 1.0
    return len(values) <= MOST_LABEL_VALUES and bool(flat >= FLAT)


def _pixels(path: Path) -> npt.NDArray[np.integer[np.typing.NBitBase]] | None:
    """Returns the stored numbers [H, W, C] of a lossless picture; None of any other file."""
    try:
        with Image.open(path) as picture:
            if picture.format in ("JPEG", "GIF", "AVIF", None):
                return None
            pixels = np.asarray(picture)
    except (OSError, ValueError):
        return None
    return pixels[..., None] if pixels.ndim == 2 else pixels
