"""Test-time augmentation: views of a frame at several scales and mirrored."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from torch import Tensor

from segada.models.preprocessing import IMAGENET, Triple
from segada.models.resize import enlarged

FINEST: Final = 4
"""Pixels of a frame per cell of the finest feature map, along a side."""
DEEPEST: Final = 32
"""Pixels of a frame per cell of the deepest feature map, along a side."""


@dataclass(frozen=True, slots=True)
class View:
    """A transformation of a frame before prediction.

    Attributes:
        scale: Factor of the sides; 1 keeps the frame's size.
        mirrored: True if left and right are exchanged.
    """

    scale: float = 1.0
    mirrored: bool = False

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Returns the sides of a scaled frame, each a multiple of the finest map's cell."""
        if self.scale == 1.0:
            return height, width
        return _whole(height * self.scale), _whole(width * self.scale)

    def shown(self, images: Tensor, color: Triple = IMAGENET.mean_color) -> Tensor:
        """Transforms images [B, 3, H, W]; resizes bilinearly, without antialiasing.

        Padding with the network's mean color at the right and below completes the last cell of the deepest map.
        Otherwise that map would extend beyond the frame, and its output would be scaled onto the frame too small. A
        scale of 1 is not padded.
        """
        height, width = self.size(*images.shape[-2:])
        resized = enlarged(images, (height, width))
        seen = resized.flip(-1) if self.mirrored else resized
        filled_height, filled_width = self._filled(height), self._filled(width)
        if (filled_height, filled_width) == (height, width):
            return seen
        mean = seen.new_tensor(color).view(1, 3, 1, 1)
        filled = mean.expand(len(seen), 3, filled_height, filled_width).clone()
        filled[..., :height, :width] = seen
        return filled

    def turned_back(self, logits: Tensor, height: int, width: int) -> Tensor:
        """Transforms logits [B, K, h, w] of the view back to logits of the frame with this height and width."""
        seen_height, seen_width = self.size(height, width)
        rows = logits.shape[-2] * seen_height // self._filled(seen_height)
        columns = logits.shape[-1] * seen_width // self._filled(seen_width)
        of_frame = logits[..., :rows, :columns]
        return of_frame.flip(-1) if self.mirrored else of_frame

    def _filled(self, side: int) -> int:
        return side if self.scale == 1.0 else side + -side % DEEPEST


PLAIN: Final = View()


def views(scales: Sequence[float], mirrored: bool) -> tuple[View, ...]:
    """Returns every scale unmirrored and, if `mirrored`, mirrored too."""
    return tuple(View(scale, flip) for scale, flip in product(scales, (False, True) if mirrored else (False,)))


def _whole(side: float) -> int:
    return max(1, int(side / FINEST + 0.5)) * FINEST
