"""Photometric distortion (Liu et al. 2016, SSD, arXiv 1512.02325) and its changes in HSV."""

from typing import Final

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from segada.settings.augmentation import DistortionSettings

DRAWS: Final = 9
"""Number of random numbers per frame: whether each of the four changes is made, its amount, and whether contrast comes
first."""


def distort(images: Tensor, settings: DistortionSettings, draws: Tensor) -> Tensor:
    """Changes brightness, contrast, saturation and hue of each image independently.

    Args:
        images: float [B, 3, H, W] in [0, 1].
        settings: Probability and ranges.
        draws: [B, 9] in [0, 1).
    """
    made = draws[:, 0:4] < settings.probability
    ranges = torch.tensor([settings.brightness, settings.contrast, settings.saturation, settings.hue / 360])
    amounts = ((2 * draws[:, 4:8] - 1) * ranges).tolist()
    result = images.clone() if made.any() else images
    for index in made.any(dim=1).nonzero().flatten().tolist():
        order = CONTRAST_FIRST if draws[index, 8] < 0.5 else CONTRAST_LAST
        for change in order:
            if made[index, change]:
                result[index] = CHANGES[change](result[index], amounts[index][change])
    return result


def lighten(image: Tensor, amount: float) -> Tensor:
    """Adds an amount to every pixel."""
    return (image + amount).clamp(0, 1)


def contrast(image: Tensor, change: float) -> Tensor:
    """Multiplies every pixel by 1 + change, which torchvision calls brightness."""
    multiplied: Tensor = transforms.adjust_brightness(image, 1 + change)
    return multiplied


def saturate(image: Tensor, change: float) -> Tensor:
    """Multiplies the saturation of HSV by 1 + change; hue and value are unchanged. Images are [3, H, W] in [0, 1].

    A channel is the value less its share of the chroma, so that the relative position of every channel is kept. This
    differs from torchvision's saturation, which blends with gray and so changes the value.
    """
    value = image.amax(dim=0)
    chroma = value - image.amin(dim=0)
    # A color is fully saturated when its least channel is black.
    most = torch.where(chroma == 0, 1.0, value / chroma)
    return value - (value - image) * most.clamp(max=1 + change)


def shift_hue(image: Tensor, turns: float) -> Tensor:
    """Shifts the hue of an image [3, H, W] in [0, 1]; 1 is the whole circle.

    Equal to torchvision's `adjust_hue` and twice as fast: a channel of a color is its value minus a trapezoid of hue
    times chroma, so nothing is sorted into the six sectors of the circle and back.
    """
    red, green, blue = image
    value = image.amax(dim=0)
    chroma = value - image.amin(dim=0)
    divisor = torch.where(chroma == 0, 1.0, chroma)
    sixths = torch.where(
        value == red,
        (green - blue) / divisor,
        torch.where(value == green, 2 + (blue - red) / divisor, 4 + (red - green) / divisor),
    )
    phase = sixths + (6 * turns + torch.tensor([5.0, 3.0, 1.0], device=image.device))[:, None, None]
    phase -= 6 * torch.floor(phase / 6)
    return value - chroma * torch.minimum(phase, 4 - phase).clamp_(0, 1)


CHANGES: Final = (lighten, contrast, saturate, shift_hue)
CONTRAST_FIRST: Final = (0, 1, 2, 3)
CONTRAST_LAST: Final = (0, 2, 3, 1)
