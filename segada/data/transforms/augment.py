"""Augmentation of images, and of their labels, before a network learns from them.

Every function draws the same number of random numbers for all settings, so that two runs that differ in a strength or a
probability use the same numbers afterwards.
"""

from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from segada.data.batch import Batch
from segada.data.transforms.distortion import contrast, lighten, saturate, shift_hue
from segada.settings.learning import ColorSettings

BLUR_SIGMAS: Final = (0.15, 1.15)
"""Least and greatest sigma of the blur, in pixels (Tranheden et al. 2021)."""
BLUR_RADIUS: Final = 3
"""Radius of the blur kernel in pixels: nearly three times the greatest sigma."""


def jitter_and_blur(images: Tensor, color: ColorSettings, generator: torch.Generator) -> Tensor:
    """Changes colors and sharpness of each image independently.

    Args:
        images: float [B, 3, H, W] in [0, 1], sides longer than `BLUR_RADIUS`.
        color: Strengths and probabilities.
        generator: Generator on the CPU; eleven numbers are drawn per image.

    Returns:
        Images of the same shape, in [0, 1].
    """
    draws = torch.rand(len(images), 11, generator=generator)
    strengths = color.jitter * (draws[:, 8] < color.jitter_probability)
    jittered = jitter(images, draws[:, 0:4], draws[:, 4:8], strengths, color.adjustments)
    blurred = draws[:, 9] < color.blur_probability
    low, high = BLUR_SIGMAS
    return blur(jittered, low + (high - low) * draws[:, 10], blurred)


def jitter(
    images: Tensor, order: Tensor, amounts: Tensor, strengths: Tensor, adjustments: str = "torchvision"
) -> Tensor:
    """Changes brightness, contrast, saturation and hue of each image independently.

    Args:
        images: float [B, 3, H, W] in [0, 1].
        order: [B, 4]; the adjustments are made in ascending order of these numbers.
        amounts: [B, 4] in [0, 1]: position of each adjustment in its range; 0.5 changes nothing.
        strengths: [B] in [0, 1]; s spans factors from 1 - s to 1 + s, and hues shifted by s of the circle either way,
            at most by half of it. An image of strength 0 is unchanged.
        adjustments: Library whose ColorJitter makes them, a name in `ADJUSTMENTS`.
    """
    ranges = torch.minimum(strengths[:, None], torch.tensor([1.0, 1.0, 1.0, 0.5]))
    factors = ((2 * amounts - 1) * ranges + torch.tensor([1.0, 1.0, 1.0, 0.0])).tolist()
    sequences = order.argsort(dim=1).tolist()
    result = images.clone()
    for index in strengths.nonzero().flatten().tolist():
        image = images[index]
        for adjustment in sequences[index]:
            image = ADJUSTMENTS[adjustments][adjustment](image, factors[index][adjustment])
        result[index] = image
    return result


ADJUSTMENTS: Final = {
    "torchvision": (
        transforms.adjust_brightness,
        transforms.adjust_contrast,
        transforms.adjust_saturation,
        shift_hue,
    ),
    "kornia": (
        lambda image, factor: lighten(image, factor - 1),
        lambda image, factor: contrast(image, factor - 1),
        lambda image, factor: saturate(image, factor - 1),
        shift_hue,
    ),
}
"""Changes by brightness, contrast, saturation and hue, each of an image and a factor, or of turns of the hue."""


def blur(images: Tensor, sigmas: Tensor, chosen: Tensor) -> Tensor:
    """Convolves the chosen images with a Gaussian; borders are mirrored.

    Args:
        images: float [B, 3, H, W].
        sigmas: [B], pixels.
        chosen: bool [B].
    """
    rows = chosen.nonzero().flatten()
    if not len(rows):
        return images
    offsets = torch.arange(-BLUR_RADIUS, BLUR_RADIUS + 1)
    profiles = torch.softmax(-0.5 * (offsets / sigmas[rows, None]) ** 2, dim=1)
    kernels = (profiles[:, None, :, None] * profiles[:, None, None, :]).repeat_interleave(3, dim=0).to(images)
    rows = rows.to(images.device)
    # A convolution has one kernel for the whole batch; as channels of one image, every image can have its own.
    channels = pad(images[rows], (BLUR_RADIUS,) * 4, mode="reflect").flatten(0, 1)[None]
    blurred = conv2d(channels, kernels, groups=len(kernels)).view(len(rows), *images.shape[1:])
    return images.index_copy(0, rows, blurred)


def crop_and_flip(batch: Batch, smallest: float, flip_probability: float, generator: torch.Generator) -> Batch:
    """Crops each frame to a random part of the same aspect ratio, enlarges it to the frame's size, and mirrors some
    frames.

    Args:
        batch: Frames; images are interpolated bilinearly, labels by the nearest pixel.
        smallest: Smallest side of the part as a share of the frame's, in [0, 1]; 1 takes the whole.
        flip_probability: Probability of mirroring horizontally.
        generator: Generator on the CPU; four numbers are drawn per frame.
    """
    draws = torch.rand(len(batch.images), 4, generator=generator).tolist()
    if smallest == 1.0 and flip_probability == 0.0:
        return batch
    height, width = batch.labels.shape[1:]
    images, labels = [], []
    for image, label, (share, down, right, flip) in zip(batch.images, batch.labels, draws, strict=True):
        side = smallest + (1 - smallest) * share
        box_height, box_width = max(1, round(side * height)), max(1, round(side * width))
        top, left = int(down * (height - box_height + 1)), int(right * (width - box_width + 1))
        both = _cut(image, label[None], (top, left, box_height, box_width))
        if flip < flip_probability:
            both = both[0].flip(-1), both[1].flip(-1)
        images.append(both[0])
        labels.append(both[1][0])
    return Batch(torch.stack(images), torch.stack(labels))


def _cut(image: Tensor, label: Tensor, box: tuple[int, int, int, int]) -> tuple[Tensor, Tensor]:
    top, left, height, width = box
    size = list(label.shape[1:])
    if [height, width] == size:
        return image, label
    return (
        transforms.resized_crop(image, top, left, height, width, size, antialias=False),
        transforms.resized_crop(label, top, left, height, width, size, InterpolationMode.NEAREST_EXACT),
    )
