"""Frames: what every data set hands out and everything else consumes."""

from dataclasses import dataclass

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
