"""Test-time augmentation: one frame seen at several scales and in the mirror."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from torch import Tensor

from segada.models.resize import enlarged
from segada.models.segmentor import IMAGENET_MEAN

FINEST: Final = 4
"""Pixels of a frame to one of the finest map."""
DEEPEST: Final = 32
"""The same of the deepest."""


@dataclass(frozen=True, slots=True)
class View:
    """How a network is shown a frame.

    Attributes:
        scale: Of its sides; 1 leaves the frame as it is.
        mirrored: Whether left and right are exchanged.
    """

    scale: float = 1.0
    mirrored: bool = False

    def size(self, height: int, width: int) -> tuple[int, int]:
        """The sides of a frame of this height and width, each in whole pixels of the finest map."""
        if self.scale == 1.0:
            return height, width
        return _whole(height * self.scale), _whole(width * self.scale)

    def shown(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W] as they are shown; resized bilinearly, without smoothing before.

        Beside and below, mean color fills the last stride of the deepest map: otherwise that map would reach beyond
        the frame, and what it says would be laid over the frame too small. A scale of 1 leaves a frame as it is.
        """
        height, width = self.size(*images.shape[-2:])
        resized = enlarged(images, (height, width))
        seen = resized.flip(-1) if self.mirrored else resized
        filled_height, filled_width = self._filled(height), self._filled(width)
        if (filled_height, filled_width) == (height, width):
            return seen
        mean = seen.new_tensor(IMAGENET_MEAN).view(1, 3, 1, 1)
        filled = mean.expand(len(seen), 3, filled_height, filled_width).clone()
        filled[..., :height, :width] = seen
        return filled

    def turned_back(self, logits: Tensor, height: int, width: int) -> Tensor:
        """Logits [B, K, h, w] of what was shown as logits of the frame, which has this height and width."""
        seen_height, seen_width = self.size(height, width)
        rows = logits.shape[-2] * seen_height // self._filled(seen_height)
        columns = logits.shape[-1] * seen_width // self._filled(seen_width)
        of_frame = logits[..., :rows, :columns]
        return of_frame.flip(-1) if self.mirrored else of_frame

    def _filled(self, side: int) -> int:
        return side if self.scale == 1.0 else side + -side % DEEPEST


PLAIN: Final = View()


def views(scales: Sequence[float], mirrored: bool) -> tuple[View, ...]:
    """Every scale as it is and, if `mirrored`, in the mirror."""
    return tuple(View(scale, flip) for scale, flip in product(scales, (False, True) if mirrored else (False,)))


def _whole(side: float) -> int:
    return max(1, int(side / FINEST + 0.5)) * FINEST
