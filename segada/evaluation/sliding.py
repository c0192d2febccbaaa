"""Sliding windows over large images, with logits averaged where windows overlap."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor

from segada.models.preprocessing import IMAGENET, Triple
from segada.models.resize import enlarged
from segada.models.segmentor import Segmentor

Network = Callable[[Tensor], Tensor]
"""A function from images [B, 3, H, W] to logits [B, K, h, w] of any resolution."""


@dataclass(frozen=True, slots=True)
class Slide:
    """Windows over an image, in pixels of the network's input.

    Attributes:
        crop: Height and width of a window, reduced for smaller images.
        stride: Step from one window to the next, at most the crop.
    """

    crop: tuple[int, int]
    stride: tuple[int, int]


def window_starts(length: int, crop: int, stride: int) -> list[int]:
    """Returns the starts of windows along a side: every stride, the last moved back to end with the side.

    Args:
        length: Length of the side.
        crop: Length of a window.
        stride: Step, at most the crop, so that every position is in a window.
    """
    return [*range(0, length - crop, stride), max(length - crop, 0)]


@dataclass(frozen=True, slots=True)
class Slid:
    """A network that predicts an image through windows.

    The logits of each window are enlarged to its pixels, then averaged: [B, K, H, W]. An image that fits into one
    window is predicted whole.

    Attributes:
        network: Network that predicts each window.
        slide: Windows.
    """

    network: Network
    slide: Slide

    def __call__(self, images: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        crop = min(self.slide.crop[0], height), min(self.slide.crop[1], width)
        if crop == (height, width):
            return self.network(images)
        rows, columns = (
            window_starts(side, part, step)
            for side, part, step in zip((height, width), crop, self.slide.stride, strict=True)
        )
        total: Tensor | None = None
        for top, left in product(rows, columns):
            place = (..., slice(top, top + crop[0]), slice(left, left + crop[1]))
            logits = enlarged(self.network(images[place]), crop)
            if total is None:
                total = logits.new_zeros((*logits.shape[:2], height, width))
            total[place] += logits
        assert total is not None
        return total.div_(_covered(rows, height, crop[0], total)[:, None] * _covered(columns, width, crop[1], total))


def mean_color(network: Network) -> Triple:
    """Returns the color that the preprocessing of a network maps to zero; ImageNet's mean for a mere function."""
    inner = network.network if isinstance(network, Slid) else network
    return (inner.preprocessing if isinstance(inner, Segmentor) else IMAGENET).mean_color


def _covered(starts: list[int], length: int, crop: int, like: Tensor) -> Tensor:
    """Returns the number of windows that contain each position, [length]."""
    counts = torch.zeros(length, device=like.device, dtype=like.dtype)
    for start in starts:
        counts[start : start + crop] += 1
    return counts
