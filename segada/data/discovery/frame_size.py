"""Size of the frames of a run, proposed from the sizes of images."""

from collections.abc import Sequence
from math import log
from typing import Final

STRIDE: Final = 32
"""Stride of an encoder's deepest map."""
SIMILAR: Final = 0.03
"""Distortion, as a share, that is not worth a smaller size."""


def proposed_size(sizes: Sequence[tuple[int, int]], longest: int) -> tuple[int, int]:
    """Returns height and width, multiples of 32, with the aspect ratio of most images.

    Args:
        sizes: Height and width of images; of several ratios the median counts.
        longest: Greatest side in pixels. No side is longer than that of the largest image, rounded up.
    """
    height, width = sorted(sizes, key=lambda size: size[1] / size[0])[len(sizes) // 2]
    most = [min(longest, -(-max(size[axis] for size in sizes) // STRIDE) * STRIDE) for axis in (0, 1)]
    heights, widths = (range(STRIDE, max(STRIDE, side) + 1, STRIDE) for side in most)
    ratio = width / height

    def worth(size: tuple[int, int]) -> tuple[int, float]:
        distortion = abs(log(size[1] / size[0] / ratio))
        return (-int(distortion / SIMILAR), size[0] * size[1])

    large = [(high, wide) for high in heights for wide in widths if 2 * max(high, wide) >= max(most)]
    return max(large, key=worth)
