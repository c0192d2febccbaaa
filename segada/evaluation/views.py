"""Test-time augmentation: one frame seen at several scales and in the mirror."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

from torch import Tensor

from segada.models.resize import enlarged

SCALES: Final = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)
"""What mmsegmentation's multi-scale evaluation takes."""
STRIDE: Final = 32
"""Pixels of a frame to one of the deepest map."""


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
        """The sides of a frame of this height and width, each rounded to the nearest whole number of `STRIDE`s.

        Otherwise the deepest map would reach beyond the frame, by half a stride of its own in the mean, and what it says
        would be laid over the frame too small (as in the test pipeline of SegFormer, Xie et al. 2021). A scale of 1
        leaves the frame as it is.
        """
        if self.scale == 1.0:
            return height, width
        return _rounded(height * self.scale), _rounded(width * self.scale)

    def shown(self, images: Tensor) -> Tensor:
        """Images [B, 3, H, W] as they are shown; resized bilinearly, without smoothing before."""
        resized = enlarged(images, self.size(*images.shape[-2:]))
        return resized.flip(-1) if self.mirrored else resized

    def turned_back(self, logits: Tensor) -> Tensor:
        """Logits [B, K, h, w] of what was shown, with left and right where the frame has them."""
        return logits.flip(-1) if self.mirrored else logits


PLAIN: Final = View()


def _rounded(side: float) -> int:
    return max(1, int(side / STRIDE + 0.5)) * STRIDE


def views(scales: Sequence[float], mirrored: bool) -> tuple[View, ...]:
    """Every scale as it is and, if `mirrored`, in the mirror."""
    return tuple(View(scale, flip) for scale, flip in product(scales, (False, True) if mirrored else (False,)))
