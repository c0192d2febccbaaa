"""Inspection of a data set's files: missing and unreadable files, sizes and classes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Self, get_args

import numpy as np
import numpy.typing as npt

from segada.data.cache.decoding import count_workers, in_order
from segada.data.cache.progress import told
from segada.data.datasets.frame_files import FrameFiles, Listing
from segada.data.datasets.left_out import LeftOut, merged
from segada.data.datasets.picture_files import ImageKind, kind_of_image
from segada.data.datasets.recorded import Recorded, read_pair
from segada.data.datasets.registry import LAYOUTS
from segada.data.frames import Bytes
from segada.data.inspection.recognition import Recognized
from segada.data.splits import Split
from segada.settings.class_sets import ClassSet
from segada.settings.domains import RecordedDomain
from segada.settings.folders import expand

SPLITS: Final[tuple[Split, ...]] = get_args(Split)
FROM_VIDEO: Final = ImageKind("colors", turned=False)
SAMPLE: Final = 8
"""Number of frames of a domain that are read for each split, unless all are."""


@dataclass(frozen=True, slots=True)
class Look:
    """Inspection of one frame.

    Attributes:
        files: Files of the frame.
        problem: Reason why it cannot be used; None if it can.
        size: Height and width of its image.
        labels_size: Height and width of its labels; zeros if it has none.
        kind: Kind of its image: `colors`, or another kind.
        turned: True if its image has an orientation tag, which is ignored.
        pixels: int64 [K + 1], labelled pixels of each class, and the ignored ones.
    """

    files: FrameFiles
    problem: ValueError | None = None
    size: tuple[int, int] = (0, 0)
    labels_size: tuple[int, int] = (0, 0)
    kind: str = ""
    turned: bool = False
    pixels: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))


@dataclass(frozen=True)
class Inspection:
    """Inspection of a data set.

    Attributes:
        counts: Number of frames by domain and split.
        absences: Reason why a domain has no frames in a split, by domain.
        missing: Label files that should exist.
        without_image: Label files that have no image.
        left_out: Other files that are left out of the folders, by reason.
        looks: Inspections of the frames that were read.
        classes: Classes of the labels.
    """

    counts: Mapping[str, Mapping[Split, int]]
    absences: Mapping[str, str]
    missing: tuple[Path, ...]
    without_image: tuple[Path, ...]
    left_out: LeftOut
    looks: Sequence[Look]
    classes: ClassSet

    @classmethod
    def of(
        cls,
        names: Iterable[str],
        listings: Mapping[tuple[str, Split], Listing],
        absences: Mapping[str, str],
        looks: Sequence[Look],
        classes: ClassSet,
    ) -> Self:
        """Builds the inspection of these domains from the listings of their splits; a split without one is empty."""
        counts = {
            name: {split: len(listings[name, split].frames) if (name, split) in listings else 0 for split in SPLITS}
            for name in names
        }
        return cls(
            counts=counts,
            absences=absences,
            missing=tuple(dict.fromkeys(path for listing in listings.values() for path in listing.missing)),
            without_image=tuple(dict.fromkeys(path for listing in listings.values() for path in listing.without_image)),
            left_out=merged(listing.left_out for listing in listings.values()),
            looks=looks,
            classes=classes,
        )

    @property
    def unusable(self) -> list[Look]:
        """Frames that cannot be used."""
        return [look for look in self.looks if look.problem is not None]

    @property
    def usable(self) -> list[Look]:
        """Frames that can be used."""
        return [look for look in self.looks if look.problem is None]

    @property
    def odd(self) -> list[Look]:
        """Frames of another size than most."""
        sizes = Counter(look.size for look in self.usable)
        return [look for look in self.usable if look.size != sizes.most_common(1)[0][0]]

    @property
    def pixels(self) -> npt.NDArray[np.int64]:
        """Number of labelled pixels of each class, and of the ignored ones, int64 [K + 1]."""
        total: npt.NDArray[np.int64] = np.sum(
            [np.zeros(len(self.classes) + 1, np.int64), *(look.pixels for look in self.looks)], axis=0, dtype=np.int64
        )
        return total


def inspect(data_set: Recognized, *, everything: bool) -> Inspection:
    """Lists the files of a data set and reads some or all frames of every split of every domain.

    Args:
        data_set: Recognized data set.
        everything: True to read all frames.
    """
    listings: dict[tuple[str, Split], Listing] = {}
    absences: dict[str, str] = {}
    for name, domain in data_set.domains.items():
        for split in SPLITS:
            try:
                listings[name, split] = _listing(data_set, domain, split)
            except ValueError as absence:
                absences.setdefault(name, str(absence))
    chosen = {files.image: files for listing in listings.values() for files in _chosen(listing, everything=everything)}
    looks = told(
        in_order(partial(look, classes=data_set.classes), chosen.values(), count_workers(None)),
        len(chosen),
        f"reading {data_set.layout}",
    )
    return Inspection.of(data_set.domains, listings, absences, list(looks), data_set.classes)


def _listing(data_set: Recognized, domain: object, split: Split) -> Listing:
    assert isinstance(domain, RecordedDomain)
    root = data_set.root if domain.root is None else expand(domain.root)
    return Recorded(LAYOUTS[data_set.layout]).listing(domain, root, split)


def _chosen(listing: Listing, *, everything: bool) -> Iterator[FrameFiles]:
    missing = set(listing.missing)
    there = [files for files in listing.frames if files.labels is None or files.labels not in missing]
    yield from (there[place] for place in sample(len(there), everything=everything))


def sample(count: int, *, everything: bool) -> list[int]:
    """Returns the numbers of the frames that are read, out of `count`: evenly spaced, or all of them."""
    read = count if everything else min(SAMPLE, count)
    return [int(place) for place in np.linspace(0, count - 1, read).round()]


def evenly_spaced(frames: Sequence[FrameFiles], count: int) -> list[FrameFiles]:
    """Returns so many of the frames, evenly spaced, or all if there are fewer."""
    return [frames[int(place)] for place in np.linspace(0, len(frames) - 1, min(count, len(frames))).round()]


def look(files: FrameFiles, classes: ClassSet, rendered: Callable[[Bytes, Bytes], object] = lambda *_: None) -> Look:
    """Inspects a frame.

    Args:
        files: Files of the frame.
        classes: Classes of its labels.
        rendered: Function that makes a run's frame of the image and the labels; its ValueErrors are problems too.
    """
    try:
        picture, labels = read_pair(files, classes)
        kind = kind_of_image(files.image) if files.moment is None else FROM_VIDEO
        rendered(picture, labels)
    except ValueError as problem:
        return Look(files, problem, pixels=_nothing(classes))
    if files.labels is None:
        return Look(files, None, picture.shape[:2], kind=kind.colors, turned=kind.turned, pixels=_nothing(classes))
    counted = np.bincount(labels.ravel(), minlength=256)
    pixels = np.append(counted[: len(classes)], counted[len(classes) :].sum())
    return Look(files, None, picture.shape[:2], labels.shape, kind.colors, kind.turned, pixels)


def _nothing(classes: ClassSet) -> npt.NDArray[np.int64]:
    return np.zeros(len(classes) + 1, np.int64)
