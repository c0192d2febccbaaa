"""Windows of fixed size out of frames resized at random: the geometry of most recipes for street scenes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn.functional import pad
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as transforms

from segada.data.batch import Batch
from segada.data.labels import IGNORE
from segada.data.replay import Drawn
from segada.settings.augmentation import WindowSettings

MOST_TRIES: Final = 10
MEAN_COLOR: Final = (0.485, 0.456, 0.406)
"""Mean color of ImageNet, which most networks normalize to zero."""

Box = tuple[int, int, int, int]
"""Top, left, height and width."""


@dataclass(frozen=True, slots=True)
class Wish:
    """Conditions on the content of a window.

    Attributes:
        share: Upper limit of the share of its labelled pixels that a class fills, with at least two classes; 1 accepts
            any.
        wanted: Class that it must show, or 255 for none.
        pixels: Least number of pixels of that class.
    """

    share: float
    wanted: int
    pixels: float

    def is_mixed(self, label: Tensor) -> bool:
        """Returns True if labels [h, w] are not nearly all of one class."""
        if self.share == 1.0:
            return True
        areas = torch.bincount(label.flatten(), minlength=IGNORE + 1)[:IGNORE]
        return bool((areas > 0).sum() > 1 and areas.max() < self.share * areas.sum())

    def keeps(self, label: Tensor) -> bool:
        """Returns True if labels [h, w] show enough of the wanted class."""
        return self.wanted == IGNORE or bool((label == self.wanted).sum() >= self.pixels)


def cut_windows(
    drawn: Drawn,
    settings: WindowSettings,
    min_pixels: int,
    generator: torch.Generator,
    color: Sequence[float] = MEAN_COLOR,
) -> Batch:
    """Resizes each frame, then cuts a window that meets the conditions, or the last of those that were tried.

    Args:
        drawn: Frames; images are interpolated bilinearly, labels by the nearest pixel.
        settings: Sizes and conditions; without a size the frames are unchanged.
        min_pixels: Number of pixels of the class that a frame was drawn for from which a whole frame counts as showing
            it.
        generator: Generator on the CPU; 201 numbers are drawn per frame.
        color: Color of padding: zero, once the network has normalized it.
    """
    batch = drawn.batch
    draws = torch.rand(len(batch.images), 1 + 2 * MOST_TRIES**2, generator=generator).tolist()
    if settings.size is None:
        return batch
    images, labels = [], []
    low, high = settings.resize
    for frame, truth, wanted, numbers in zip(batch.images, batch.labels, drawn.classes, draws, strict=True):
        image, label = _resized(frame, truth, low + (high - low) * numbers[0])
        wish = Wish(settings.class_share, wanted, settings.rare_share * min_pixels)
        box = _chosen(label, wish, _boxes(label.shape, settings.size, settings.tries, numbers[1:]))
        images.append(_padded(_inside(image, box), settings.size, color))
        labels.append(_padded(_inside(label[None], box), settings.size, (IGNORE,))[0])
    return Batch(torch.stack(images), torch.stack(labels))


def _resized(image: Tensor, label: Tensor, ratio: float) -> tuple[Tensor, Tensor]:
    size = [max(1, round(ratio * side)) for side in label.shape]
    if size == list(label.shape):
        return image, label
    return (
        transforms.resize(image, size, antialias=False),
        transforms.resize(label[None], size, InterpolationMode.NEAREST_EXACT)[0],
    )


def _boxes(frame: Sequence[int], size: Sequence[int], tries: int, numbers: Sequence[float]) -> list[list[Box]]:
    """Returns rounds of `tries` windows each; all lie within the frame, and are cut to its size where it is smaller
    than `size`."""
    height, width = (min(wanted, there) for wanted, there in zip(size, frame, strict=True))
    boxes = [
        (int(down * (frame[0] - height + 1)), int(right * (frame[1] - width + 1)), height, width)
        for down, right in zip(numbers[::2], numbers[1::2], strict=True)
    ]
    return [boxes[start : start + tries] for start in range(0, tries * MOST_TRIES, MOST_TRIES)]


def _chosen(label: Tensor, wish: Wish, rounds: Sequence[Sequence[Box]]) -> Box:
    """Returns the window of the first round that shows the wanted class; each round gives its first mixed window, or
    its last."""
    mixed = (next((box for box in boxes if wish.is_mixed(_inside(label, box))), boxes[-1]) for boxes in rounds)
    for box in mixed:
        if wish.keeps(_inside(label, box)):
            break
    return box


def _inside(pixels: Tensor, box: Box) -> Tensor:
    top, left, height, width = box
    return pixels[..., top : top + height, left : left + width]


def _padded(pixels: Tensor, size: Sequence[int], filling: Sequence[float]) -> Tensor:
    """Pads pixels [C, h, w] to a size, below and to the right."""
    below, beside = size[0] - pixels.shape[-2], size[1] - pixels.shape[-1]
    if not below and not beside:
        return pixels
    return torch.cat(
        [pad(channel[None], (0, beside, 0, below), value=value) for channel, value in zip(pixels, filling, strict=True)]
    )
