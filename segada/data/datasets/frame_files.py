"""Layouts of recorded data sets: the files of each frame, and the frames of each split."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from segada.data.datasets.label_maps import LabelIds
from segada.data.datasets.measured_depth import DepthFile
from segada.data.splits import Split
from segada.data.weather.depth import HORIZON

Found: TypeAlias = dict[str, Path]
"""Files by key, in the order of the recording."""


class MissingFolder(ValueError):
    """A folder or all files of a layout are missing. The text names them; the caller adds the layout."""


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """The files of a frame.

    Attributes:
        name: Key of the frame, unique in the domain: `aachen/aachen_000000_000019`.
        image: Image file.
        labels: Label file, which may not exist.
        ids: Meaning of the ids in the label file.
        depth: Depth file, if depth was measured and is needed.
    """

    name: str
    image: Path
    labels: Path
    ids: LabelIds
    depth: DepthFile | None = None

    def paths(self) -> Iterable[Path]:
        """Yields every file that the frame is made of."""
        yield from (self.image, self.labels)
        if self.depth is not None:
            yield self.depth.path


@dataclass(frozen=True, slots=True)
class Listing:
    """The frames of one split of a domain.

    Attributes:
        frames: Frames in the order of the recording.
        missing: Label files of these frames that do not exist.
        without_image: Label files that have no image, as in incomplete renderings.
    """

    frames: tuple[FrameFiles, ...]
    missing: tuple[Path, ...] = ()
    without_image: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls, frames: tuple[FrameFiles, ...], labels: Collection[Path], without_image: tuple[Path, ...] = ()
    ) -> "Listing":
        """Builds a listing; labels that are not among the existing ones are missing."""
        missing = tuple(files.labels for files in frames if files.labels not in labels)
        return cls(frames, missing, without_image)


@dataclass(frozen=True, slots=True)
class Layout:
    """Layout of one published data set; reading, resizing, weather and the cache are in `recorded.py`.

    Attributes:
        name: Name in settings.
        expects: Description of the expected files.
        example: Example of a root for `data.root`.
        listing: Function that lists the frames of a split of a domain below a root. It takes the data set's own
            settings, hence Any. Raises `MissingFolder` if files are missing, any ValueError if settings do not fit
            them.
        recognize: Function that returns the domains of a folder in this layout, by name; empty if it has another
            layout.
        horizon: Row of the horizon as a share of the height, for the estimate of depth.
    """

    name: str
    expects: str
    example: str
    listing: Callable[[Any, Path, Split], Listing]
    recognize: Callable[[Path], Mapping[str, Mapping[str, object]]]
    horizon: float = HORIZON


def found(root: Path, pattern: str) -> Found:
    """Returns files that match a pattern; the key is the text that its wildcards match, joined by `/`.

    The order is that of the paths, with digits compared as numbers: `frame9` comes before `frame10`. Hidden files, such
    as those that other systems write beside each file, are left out.

    Args:
        root: Folder; if it does not exist, there are no files.
        pattern: Pattern as in `segada.settings.domains.Pattern`.
    """
    expression = re.compile(_as_expression(pattern))
    # Not `relative_to`, which takes longer than the rest of this function.
    start = len(str(root / "-")) - 1
    paths = {str(path)[start:]: path for path in root.glob(pattern) if not path.name.startswith(".")}
    files = {}
    for name in sorted(paths, key=in_counting_order):
        captured = expression.fullmatch(name)
        if captured is not None:
            files["/".join(part.strip("/") for part in captured.groups() if part)] = paths[name]
    return files


def named(pattern: str, key: str) -> str:
    """Returns the file name that a pattern gives for a key; wildcards that the key does not fill remain."""
    if "**/*" in pattern:
        return pattern.replace("**/*", key, 1)
    parts = iter(key.split("/"))
    return re.sub(r"\*|\?", lambda wildcard: next(parts, wildcard[0]), pattern)


def in_counting_order(text: str) -> list[str | int]:
    """Returns a sort key that compares digits in a text as numbers."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def some(files: Found, folder: Path, pattern: str) -> Found:
    """Returns the files, if there are any.

    Raises:
        MissingFolder: There are none in `folder`.
    """
    if not files:
        there = next(place for place in (folder, *folder.parents) if place.exists())
        problem = f"no files {pattern} in {folder}" if there == folder else f"no folder {folder}"
        raise MissingFolder(problem)
    return files


def _as_expression(pattern: str) -> str:
    """Returns `a/*/**/b_*.png` as a regular expression with a group for each wildcard."""
    parts = {"**/": r"((?:[^/]+/)*)", "*": "([^/]*)", "?": "([^/])"}
    pieces = re.split(r"(\*\*/|\*|\?)", pattern)
    return "".join(parts.get(piece, re.escape(piece)) for piece in pieces)
