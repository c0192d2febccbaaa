"""Converts tensors to pictures: photographs, labels, numbers and masks in colors."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt
from torch import Tensor

from segada.data.frames import Bytes
from segada.data.labels import IGNORE, painted
from segada.settings.class_sets import ClassSet


def _colors(name: int) -> Bytes:
    return np.array(cv2.applyColorMap(np.arange(256, dtype=np.uint8), name), np.uint8).reshape(256, 3)[:, ::-1]


SURE: Final = _colors(cv2.COLORMAP_VIRIDIS)
UNSURE: Final = _colors(cv2.COLORMAP_INFERNO)
"""Color scales [256, 3], RGB, of numbers from 0 to 1: for quantities better high, and for quantities better low."""
WRONG: Final = (230, 40, 40)
RIGHT: Final = (50, 120, 230)
NEITHER: Final = (240, 190, 60)
DIMMED: Final = 0.25


@dataclass(frozen=True, slots=True)
class Picture:
    """A captioned picture.

    Attributes:
        caption: A few words.
        pixels: uint8 [h, w, 3], RGB; enlarged to the panel's size.
        smooth: True if enlarging may blur; labels and cells keep sharp edges.
        scale: Colors [256, 3] of the numbers from 0 to 1, if the picture shows numbers.
    """

    caption: str
    pixels: Bytes
    smooth: bool = False
    scale: Bytes | None = None


def photograph(caption: str, image: Tensor) -> Picture:
    """Returns a picture of an image float [3, H, W] in [0, 1]."""
    return Picture(caption, _pixels(image), smooth=True)


def label_map(caption: str, labels: Bytes, classes: ClassSet) -> Picture:
    """Returns a picture of labels uint8 [h, w] in the colors of their classes."""
    return Picture(caption, painted(labels, classes))


def numbers(caption: str, values: Tensor, colors: Bytes = SURE) -> Picture:
    """Returns a picture of numbers [h, w] in [0, 1]."""
    return Picture(caption, colors[(255 * values).round().byte().cpu().numpy()], scale=colors)


def mask(caption: str, marked: Tensor) -> Picture:
    """Returns a picture of a bool mask [h, w], white where True."""
    gray = np.where(marked.cpu().numpy(), 255, 40).astype(np.uint8)
    return Picture(caption, np.repeat(gray[..., None], 3, axis=-1))


def spotlight(caption: str, image: Tensor, cells: npt.NDArray[np.bool_]) -> Picture:
    """Returns a picture of an image [3, H, W], darkened outside the marked cells [h, w]."""
    lit = cv2.resize(cells.astype(np.uint8), image.shape[:0:-1], interpolation=cv2.INTER_NEAREST_EXACT)
    return Picture(caption, (_pixels(image) * np.where(lit[..., None], 1.0, DIMMED)).astype(np.uint8))


def mistakes(caption: str, image: Tensor, predicted: Bytes, labels: Bytes) -> Picture:
    """Returns a picture of the errors: wrong pixels red, ignored ones black, and the image in dark gray elsewhere."""
    gray = np.repeat(_pixels(image).mean(axis=-1, keepdims=True) * 2 * DIMMED, 3, axis=-1).astype(np.uint8)
    gray[predicted != labels] = WRONG
    gray[labels == IGNORE] = 0
    return Picture(caption, gray)


def changes(caption: str, image: Tensor, before: Bytes, after: Bytes, labels: Bytes) -> Picture:
    """Returns a picture of the pixels of which two predictions differ, and the image in dark gray elsewhere.

    Where there are labels, changes are blue if the second prediction is right, red if the first was, and yellow if
    neither is. Where there are none, they are red.
    """
    gray = np.repeat(_pixels(image).mean(axis=-1, keepdims=True) * 2 * DIMMED, 3, axis=-1).astype(np.uint8)
    changed, unknown = before != after, labels == IGNORE
    gray[changed] = NEITHER
    gray[changed & (unknown | (before == labels))] = WRONG
    gray[changed & (after == labels) & ~unknown] = RIGHT
    return Picture(caption, gray)


def _pixels(image: Tensor) -> Bytes:
    pixels: Bytes = (255 * image.clamp(0, 1)).round().byte().movedim(0, -1).cpu().numpy()
    return pixels
