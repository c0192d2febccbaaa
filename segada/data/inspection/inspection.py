"""Inspection of a data set's files: missing and unreadable files, sizes and classes."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, get_args

import numpy as np
import numpy.typing as npt

from segada.data.cache.decoding import count_workers, in_order
from segada.data.cache.progress import told
from segada.data.datasets.frame_files import FrameFiles, Listing
from segada.data.datasets.picture_files import kind_of_image
from segada.data.datasets.recorded import Recorded, read_pair
from segada.data.datasets.registry import LAYOUTS
from segada.data.inspection.recognition import Recognized
from segada.data.splits import Split
from segada.settings.class_sets import CITYSCAPES
from segada.settings.domains import RecordedDomain
from segada.settings.folders import expand

SPLITS: Final[tuple[Split, ...]] = get_args(Split)
SAMPLE: Final = 8
"""Number of frames of a domain that are read for each split, unless all are."""


@dataclass(frozen=True, slots=True)
class Look:
    """Inspection of one frame.

    Attributes:
        files: Files of the frame.
        problem: Reason why it cannot be used; empty if it can.
        size: Height and width of its image.
        labels_size: Height and width of its labels.
        kind: Kind of its image: `colors`, or another kind.
        pixels: int64 [20], labelled pixels of each class, and the ignored ones.
    """

    files: FrameFiles
    problem: str = ""
    size: tuple[int, int] = (0, 0)
    labels_size: tuple[int, int] = (0, 0)
    kind: str = ""
    pixels: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(len(CITYSCAPES) + 1, np.int64))


@dataclass(frozen=True)
class Inspection:
    """Inspection of a data set.

    Attributes:
        counts: Number of frames by domain and split.
        absences: Reason why a domain has no frames in a split, by domain.
        missing: Label files that should exist.
        without_image: Label files that have no image.
        looks: Inspections of the frames that were read.
    """

    counts: Mapping[str, Mapping[Split, int]]
    absences: Mapping[str, str]
    missing: tuple[Path, ...]
    without_image: tuple[Path, ...]
    looks: Sequence[Look]

    @property
    def unusable(self) -> list[Look]:
        """Frames that cannot be used."""
        return [look for look in self.looks if look.problem]

    @property
    def usable(self) -> list[Look]:
        """Frames that can be used."""
        return [look for look in self.looks if not look.problem]

    @property
    def odd(self) -> list[Look]:
        """Frames of another size than most."""
        sizes = Counter(look.size for look in self.usable)
        return [look for look in self.usable if look.size != sizes.most_common(1)[0][0]]

    @property
    def pixels(self) -> npt.NDArray[np.int64]:
        """Number of labelled pixels of each class, and of the ignored ones, int64 [20]."""
        total: npt.NDArray[np.int64] = np.sum([look.pixels for look in self.looks], axis=0, dtype=np.int64)
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
    counts = {
        name: {split: len(listings[name, split].frames) if (name, split) in listings else 0 for split in SPLITS}
        for name in data_set.domains
    }
    chosen = {files.image: files for listing in listings.values() for files in _chosen(listing, everything=everything)}
    looks = told(in_order(_look, chosen.values(), count_workers(None)), len(chosen), f"reading {data_set.layout}")
    return Inspection(
        counts=counts,
        absences=absences,
        missing=tuple(dict.fromkeys(path for listing in listings.values() for path in listing.missing)),
        without_image=tuple(dict.fromkeys(path for listing in listings.values() for path in listing.without_image)),
        looks=list(looks),
    )


def _listing(data_set: Recognized, domain: object, split: Split) -> Listing:
    assert isinstance(domain, RecordedDomain)
    root = data_set.root if domain.root is None else expand(domain.root)
    return Recorded(LAYOUTS[data_set.layout]).listing(domain, root, split)


def _chosen(listing: Listing, *, everything: bool) -> Iterator[FrameFiles]:
    there = [files for files in listing.frames if files.labels not in set(listing.missing)]
    count = len(there) if everything else min(SAMPLE, len(there))
    yield from (there[place] for place in np.linspace(0, len(there) - 1, count).round().astype(int))


def _look(files: FrameFiles) -> Look:
    try:
        picture, labels = read_pair(files, CITYSCAPES)
        kind = kind_of_image(files.image)
    except ValueError as problem:
        return Look(files, str(problem))
    counted = np.bincount(labels.ravel(), minlength=256)
    pixels = np.append(counted[: len(CITYSCAPES)], counted[len(CITYSCAPES) :].sum())
    return Look(files, "", picture.shape[:2], labels.shape, kind, pixels)
