"""Recordings that frames belong to, in the order of the frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Recordings:
    """Lengths of recordings that follow each other.

    Frames of a recording are correlated, frames of two recordings are not. Independent scenes are recordings of one
    frame.
    """

    lengths: tuple[int, ...]

    @classmethod
    def of(cls, numbers: Sequence[int] | Integers) -> "Recordings":
        """Returns the recordings of frames [frames] that have the same number as their neighbors in a recording."""
        found = np.asarray(numbers, np.int64)
        starts = np.flatnonzero(np.concatenate([[True], found[1:] != found[:-1]])) if len(found) else found
        return cls(tuple(np.diff(np.append(starts, len(found))).tolist()))

    @property
    def frames(self) -> int:
        """Number of frames of all recordings."""
        return sum(self.lengths)

    @property
    def longest(self) -> int:
        """Number of frames of the longest recording; 0 if there is none."""
        return max(self.lengths, default=0)

    @cached_property
    def starts(self) -> Integers:
        """Number of the first frame of each recording."""
        return np.concatenate([[0], np.cumsum(self.lengths, dtype=np.int64)[:-1]]).astype(np.int64)

    @cached_property
    def numbers(self) -> Integers:
        """Number of the recording of each frame, from 0: [frames]."""
        return np.repeat(np.arange(len(self.lengths)), self.lengths)

    def pairs(self, lag: int) -> int:
        """Returns the number of pairs of frames of the same recording that are `lag` frames apart."""
        return sum(max(length - lag, 0) for length in self.lengths)
