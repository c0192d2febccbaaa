"""Frames: images with labels, the output of every data set."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Frames:
    """Images with their labels, in recording order.

    Attributes:
        images: uint8 [N, H, W, 3], RGB.
        labels: uint8 [N, H, W], train ids 0 to 18 or 255 (ignored).
    """

    images: Bytes
    labels: Bytes

    def __post_init__(self) -> None:
        if self.images.shape != (*self.labels.shape, 3):
            raise ValueError(f"images {self.images.shape} and labels {self.labels.shape} are not of the same frames")

    def __len__(self) -> int:
        return len(self.labels)


NO_FRAMES: Final = Frames(np.empty((0, 1, 1, 3), np.uint8), np.empty((0, 1, 1), np.uint8))
"""Source frames of a run without any, and the placeholder for those that a cache file holds."""


class WrongSetting(ValueError):
    """The settings of a domain do not fit its files.

    Attributes:
        keys: Settings that can be wrong, the most likely one first: `("classes", "labels")`.
    """

    def __init__(self, text: str, *keys: str) -> None:
        super().__init__(text)
        self.keys = keys


class NoFrames(WrongSetting):
    """No file belongs to a split of a domain."""


class UnreadableFrame(ValueError):
    """A file of a frame cannot be read, or is not as its data set defines it.

    Attributes:
        path: Path of the file.
        reason: Problem with the file, and the cure.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path} {reason}")
        self.path = path
        self.reason = reason
