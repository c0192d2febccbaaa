"""Layouts of recorded data sets: where the files of a frame are, and which serve which purpose."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from segada.data.datasets.label_maps import LabelMap
from segada.data.datasets.measured_depth import DepthFile
from segada.data.splits import Split
from segada.data.weather.depth import HORIZON

Found: TypeAlias = dict[str, Path]
"""Files by key, in the order of the recording."""


class MissingFolder(ValueError):
    """A folder or all files of a layout are missing. The text says which; which layout, whoever asked for it adds."""


@dataclass(frozen=True, slots=True)
class FrameFiles:
    """The files of a frame.

    Attributes:
        name: Its key, unique in the domain: `aachen/aachen_000000_000019`.
        image: Of its picture.
        labels: Of its labels; whether there is such a file is not said.
        label_map: What the numbers in the labels mean.
        depth: Its depth, if it was measured and is asked for.
    """

    name: str
    image: Path
    labels: Path
    label_map: LabelMap
    depth: DepthFile | None = None

    def paths(self) -> Iterable[Path]:
        """Every file that the frame is made of."""
        yield from (self.image, self.labels)
        if self.depth is not None:
            yield self.depth.path


@dataclass(frozen=True, slots=True)
class Listing:
    """The frames of a domain for one purpose.

    Attributes:
        frames: In the order of the recording.
        missing: Of their label files, those that do not exist.
        without_image: Label files that have no image, as in renderings of which some are missing.
    """

    frames: tuple[FrameFiles, ...]
    missing: tuple[Path, ...] = ()
    without_image: tuple[Path, ...] = ()

    @classmethod
    def of(
        cls, frames: tuple[FrameFiles, ...], labels: Collection[Path], without_image: tuple[Path, ...] = ()
    ) -> "Listing":
        """A listing in which labels are missing that are not among those that there are."""
        missing = tuple(files.labels for files in frames if files.labels not in labels)
        return cls(frames, missing, without_image)


@dataclass(frozen=True, slots=True)
class Layout:
    """What is special about one published data set; reading, resizing, weather and the cache are `recorded.py`'s.

    Attributes:
        name: That settings use.
        expects: The files, in words.
        example: A root for `data.root`.
        listing: The frames of a domain below a root for a purpose. Takes the data set's own settings, hence Any. Raises
            `MissingFolder` where files are missing, any ValueError where settings do not fit them.
        recognize: Domains that a folder holds in this layout, by name; empty if it is another's.
        horizon: Row of the horizon as a share of the height, for the estimate of depth.
    """

    name: str
    expects: str
    example: str
    listing: Callable[[Any, Path, Split], Listing]
    recognize: Callable[[Path], Mapping[str, Mapping[str, object]]]
    horizon: float = HORIZON


def found(root: Path, pattern: str) -> Found:
    """Files that fit a pattern, by what its wildcards stand for, joined by `/`.

    The order is that of the paths, numbers in them taken as numbers: `frame9` comes before `frame10`. Hidden files are
    left out, such as those that other systems write beside each file.

    Args:
        root: The folder; none such has no files.
        pattern: As in `segada.settings.domains.Pattern`.
    """
    expression = re.compile(_as_expression(pattern))
    # Not `relative_to`, which takes longer than all else here together.
    start = len(str(root / "-")) - 1
    paths = {str(path)[start:]: path for path in root.glob(pattern) if not path.name.startswith(".")}
    files = {}
    for name in sorted(paths, key=in_counting_order):
        captured = expression.fullmatch(name)
        if captured is not None:
            files["/".join(part.strip("/") for part in captured.groups() if part)] = paths[name]
    return files


def named(pattern: str, key: str) -> str:
    """The file that a pattern stands for under a key; wildcards that the key does not fill are left."""
    if "**/*" in pattern:
        return pattern.replace("**/*", key, 1)
    parts = iter(key.split("/"))
    return re.sub(r"\*|\?", lambda wildcard: next(parts, wildcard[0]), pattern)


def in_counting_order(text: str) -> list[str | int]:
    """Key that sorts numbers in a text as numbers."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", text)]


def some(files: Found, folder: Path, pattern: str) -> Found:
    """The files, if there are any.

    Raises:
        MissingFolder: there are none in `folder`.
    """
    if not files:
        there = next(place for place in (folder, *folder.parents) if place.exists())
        problem = f"no files {pattern} in {folder}" if there == folder else f"no folder {folder}"
        raise MissingFolder(problem)
    return files


def _as_expression(pattern: str) -> str:
    """`a/*/**/b_*.png` as a regular expression with a group for each wildcard."""
    parts = {"**/": r"((?:[^/]+/)*)", "*": "([^/]*)", "?": "([^/])"}
    pieces = re.split(r"(\*\*/|\*|\?)", pattern)
    return "".join(parts.get(piece, re.escape(piece)) for piece in pieces)
