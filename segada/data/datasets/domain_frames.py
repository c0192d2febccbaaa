"""Frames that a data set returns for a split of a domain, and the check of unreadable ones."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from segada.data.cache.cache_entry import is_mapped
from segada.data.cache.frame_cache import Unreadable
from segada.data.datasets.left_out import LeftOut
from segada.data.frames import Bytes, Frames

Integers: TypeAlias = npt.NDArray[np.int64]

NAMED = 3
"""Number of unreadable files that an error names."""


class DomainFrames(Protocol):
    """Frames of one split of a domain, numbered from 0 without the unreadable ones."""

    @property
    def listed(self) -> int:
        """Number of frames, unreadable ones included."""

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Frames that are left out."""

    @property
    def left_out(self) -> LeftOut:
        """Files that are left out of the folders of the frames, by reason."""

    @property
    def recordings(self) -> Integers:
        """Number of the recording of each readable frame [frames]. Frames of a recording follow each other in time, and
        are correlated; independent scenes have numbers of their own. The class of a user may lack it: its frames are
        then taken for one recording.
        """

    @property
    def mapped(self) -> bool:
        """True if all frames are in a mapped file, so that loading takes no memory."""

    def __len__(self) -> int:
        """Returns the number of readable frames."""

    def load(self, indices: Sequence[int] | None = None) -> Frames:
        """Returns the frames of these numbers; all if not given."""


@dataclass(frozen=True, slots=True)
class DecodedDomain:
    """Decoded frames of one split of a domain.

    Attributes:
        listed: Number of frames, unreadable ones included.
        frames: Readable frames.
        unreadable: Frames that are left out.
        left_out: Files that are left out of the folders of the frames, by reason.
        recordings: Number of the recording of each readable frame [frames].
    """

    listed: int
    frames: Frames
    unreadable: tuple[Unreadable, ...]
    left_out: LeftOut
    recordings: Integers

    @property
    def mapped(self) -> bool:
        """True if the frames are mapped from the cache."""
        return is_mapped(self.frames)

    def __len__(self) -> int:
        return len(self.frames)

    def load(self, indices: Sequence[int] | None = None) -> Frames:
        """Returns the frames of these numbers; all if not given."""
        if indices is None or list(indices) == list(range(len(self))):
            return self.frames
        return Frames(self.frames.images[list(indices)], self.frames.labels[list(indices)])


@dataclass(frozen=True, slots=True)
class ListedFrames:
    """Number of frames of a split, before they are read.

    Attributes:
        count: Number of frames, unreadable ones included.
        left_out: Files that are left out of the folders of the frames, by reason.
    """

    count: int
    left_out: LeftOut


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A frame with labels at their original resolution, for evaluation.

    Attributes:
        name: Unique in its domain and suitable as a file name: `frankfurt/frankfurt_000000_000294`.
        image: uint8 [H, W, 3], RGB, of `data.size`.
        labels: uint8, train ids 0 to 18 or 255, at the resolution of the label file: they are not resized.
    """

    name: str
    image: Bytes
    labels: Bytes


def numbered(recordings: Sequence[str]) -> Integers:
    """Returns the numbers of recordings [frames], from their names: neighbors of the same name have the same number."""
    changes = [first != second for first, second in pairwise(recordings)]
    return np.concatenate([[0], np.cumsum(changes)]).astype(np.int64)[: len(recordings)]


def check_share(listed: int, unreadable: Sequence[Unreadable], share: float) -> None:
    """Checks that few enough frames are unreadable to continue without them.

    Args:
        listed: Number of frames, unreadable ones included.
        unreadable: The unreadable ones.
        share: Greatest share of unreadable frames, `data.loading.unreadable_share`.

    Raises:
        ValueError: More than this share are unreadable; the message names the first files and the problems.
    """
    if len(unreadable) <= share * listed:
        return
    first = ", ".join(f"{one.path} {one.reason}" for one in unreadable[:NAMED])
    rest = f", and {len(unreadable) - NAMED} more" if len(unreadable) > NAMED else ""
    raise ValueError(
        f"{len(unreadable)} of {listed} frames cannot be read, which is more than data.loading.unreadable_share "
        f"{share:g} allows: {first}{rest}"
    )
