"""Style augmentation: color and light changes that training recipes add to random crops.

Every frame takes the same number of random numbers for all settings, as in `segada.data.transforms.augment`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import mmcv
import numpy as np
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from segada.data.batch import Batch
from segada.data.transforms import distortion
from segada.settings.augmentation import ClaheSettings, StyleSettings

LUMA: Final = (0.299, 0.587, 0.114)
"""Weights of red, green and blue (ITU-R BT.601)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One kind of change.

    Attributes:
        draws: Number of random numbers per frame.
        change: Function from images [B, 3, H, W], the settings and the numbers [B, draws] to images.
    """

    draws: int
    change: Callable[[Tensor, StyleSettings, Tensor], Tensor]


def restyle(batch: Batch, settings: StyleSettings, generator: torch.Generator) -> Batch:
    """Applies the steps of `STEPS` in their order; labels are unchanged.

    Args:
        batch: Frames on any device; images in [0, 1].
        settings: Probabilities and ranges of the steps.
        generator: Generator on the CPU.
    """
    images = batch.images
    draws = torch.rand(len(images), sum(step.draws for step in STEPS), generator=generator)
    for step, numbers in zip(STEPS, torch.split(draws, [step.draws for step in STEPS], 1), strict=True):
        images = step.change(images, settings, numbers)
    return replace(batch, images=images)


def _distorted(images: Tensor, settings: StyleSettings, draws: Tensor) -> Tensor:
    return distortion.distort(images, settings.distortion, draws)


def _equalized(images: Tensor, settings: StyleSettings, draws: Tensor) -> Tensor:
    return _where(draws[:, 0] < settings.clahe.probability, images, lambda image: equalize(image, settings.clahe))


def _grayed(images: Tensor, settings: StyleSettings, draws: Tensor) -> Tensor:
    return _where(draws[:, 0] < settings.gray_probability, images, gray)


def _curved(images: Tensor, settings: StyleSettings, draws: Tensor) -> Tensor:
    gamma = settings.gamma
    gammas = (gamma.lowest * (gamma.highest / gamma.lowest) ** draws[:, 1]).tolist()
    result = images.clone()
    chosen = draws[:, 0] < gamma.probability
    for index in chosen.nonzero().flatten().tolist():
        result[index] = transforms.adjust_gamma(images[index], 1 / gammas[index])
    return result if chosen.any() else images


def equalize(image: Tensor, settings: ClaheSettings) -> Tensor:
    """Equalizes the histogram of each channel of an image [3, H, W] within tiles, on 8-bit values."""
    whole = (image * 255).round().to("cpu", torch.uint8).numpy()
    channels = [
        mmcv.clahe(np.ascontiguousarray(channel), settings.clip_limit, settings.grid[::-1]) for channel in whole
    ]
    return torch.from_numpy(np.stack(channels)).to(image) / 255


def gray(image: Tensor) -> Tensor:
    """Returns the luma of an image [3, H, W] in all three channels.

    The diary's code applied these three weights, in this order, to channels that it had read as blue, green and red:
    blue counted 0.299 there and red 0.114, so that a clear sky came out too bright and brake lights nearly black.
    """
    luma: Tensor = torch.tensordot(torch.tensor(LUMA).to(image), image, dims=1)
    return luma.expand_as(image)


def _where(chosen: Tensor, images: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    if not chosen.any():
        return images
    pairs = zip(images, chosen.tolist(), strict=True)
    return torch.stack([change(image) if is_chosen else image for image, is_chosen in pairs])


STEPS: Final = (Step(distortion.DRAWS, _distorted), Step(1, _equalized), Step(1, _grayed), Step(2, _curved))
"""All steps, in the order of `StyleSettings`."""
