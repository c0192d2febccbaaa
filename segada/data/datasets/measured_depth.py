"""Measured depth: disparity and depth files, and filling of pixels without measurement."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from segada.data.datasets.number_files import read_numbers
from segada.data.frames import Bytes
from segada.data.weather.depth import FAR, Depth

BASELINE: Final = 0.209313
"""Metres between the two cameras of Cityscapes."""
FOCAL_PIXELS: Final = 2262.52
"""Focal length of Cityscapes' cameras, in pixels of a frame 2048 wide."""


@dataclass(frozen=True, slots=True)
class DepthFile:
    """A file of 16-bit numbers, 0 where nothing was measured.

    Attributes:
        path: Path of the file.
        units: Units per metre; None if the numbers are disparities of Cityscapes: pixels times 256, plus 1.
    """

    path: Path
    units: float | None

    def nearness(self) -> Depth:
        """Returns the measured 1 / metres, float32 [H, W], 0 where nothing was measured.

        Raises:
            UnreadableFrame: The file is damaged.
            ValueError: It has several channels.
        """
        numbers = read_numbers(self.path).astype(np.float32)
        known = numbers > 0
        if self.units is None:
            # metres = baseline * focal length / disparity
            return np.where(known, (numbers - 1) / (256 * BASELINE * FOCAL_PIXELS), 0).astype(np.float32)
        return np.where(known, np.float32(self.units) / np.maximum(numbers, 1), 0).astype(np.float32)


def measured_depth(nearness: Depth, labels: Bytes, estimate: Depth, sky: int | None) -> Depth:
    """Returns the depth in metres at every pixel of a frame.

    Nearness is averaged over the measured part of a pixel. Where nothing was measured: sky is `FAR`; other pixels are
    as far as the farther of the nearest measured ones in their row, as regions hidden from one of two cameras are
    background; a row without any measurement takes the estimate.

    Args:
        nearness: Result of `DepthFile.nearness`, of any size.
        labels: Numbers of classes [H, W].
        estimate: [H, W], metres.
        sky: Number of the class sky; None if there is none.
    """
    height, width = labels.shape
    interpolation = cv2.INTER_AREA if nearness.shape[0] > height else cv2.INTER_NEAREST
    total = cv2.resize(nearness, (width, height), interpolation=interpolation)
    share = cv2.resize((nearness > 0).astype(np.float32), (width, height), interpolation=interpolation)
    known = share > 0
    near = np.where(known, total / np.maximum(share, 1e-6), np.nan).astype(np.float32)
    filled = np.fmin(_carried(near), _carried(near[:, ::-1])[:, ::-1])
    filled = np.where(known, near, filled)
    depth = np.where(np.isnan(filled), estimate, 1 / np.maximum(filled, 1 / FAR))
    if sky is not None:
        depth = np.where(~known & (labels == sky), FAR, depth)
    return np.minimum(depth, FAR).astype(np.float32)


def _carried(rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Returns each row with NaNs replaced by the last number to their left."""
    places = np.where(np.isnan(rows), 0, np.arange(rows.shape[1])[None, :])
    last = np.maximum.accumulate(places, axis=1)
    return np.take_along_axis(rows, last, axis=1)
