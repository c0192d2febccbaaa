"""Reading of photographs from image files of any format, and resizing of images and labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import mmcv
import numpy as np
import numpy.typing as npt

from segada.data.datasets.jpeg_files import JPEG, read_jpeg
from segada.data.datasets.stored_pictures import (
    NO_PICTURE,
    StoredPicture,
    identified,
    open_picture,
    orientation,
    read_file,
)
from segada.data.frames import Bytes, UnreadableFrame

OTHER_COLORS: Final = {
    "CMYK": "CMYK, the colors of a printer",
    "LAB": "the color space Lab",
    "HSV": "the color space HSV",
}
"""Descriptions of modes of Pillow whose conversion to red, green and blue is not defined by the file alone."""
KINDS: Final = {
    "1": "black and white",
    "CMYK": "CMYK",
    "L": "gray",
    "LA": "gray and opacity",
    "P": "indexed colors",
    "RGB": "colors",
    "RGBA": "colors and opacity",
}


def read_image(path: Path) -> Bytes:
    """Reads a photograph: uint8 [H, W, 3], RGB, as its pixels are stored: an orientation tag is ignored. Gray and
    indexed files are converted; an opaque alpha channel is dropped.

    Raises:
        UnreadableFrame: The file is damaged.
        ValueError: It does not have 8 bits a channel, has transparent pixels or unusual colors, or holds several
            pictures.
    """
    content = read_file(path)
    if content.startswith(JPEG):
        return read_jpeg(path, content)
    picture = open_picture(path, content)
    if picture.mode in OTHER_COLORS:
        raise ValueError(f"{path} is in {OTHER_COLORS[picture.mode]}; write images in RGB")
    # Of damage in a compressed TIFF only Pillow tells; for its commonest kind, OpenCV need not decode it again.
    pixels = picture.by_pillow() if _is_plain_tiff(picture) else picture.by_opencv()
    if pixels.dtype != np.uint8:
        raise ValueError(f"{path} has {_depth(pixels)} a channel; write images with 8, scaled as they are to be seen")
    if picture.has_opacity:
        pixels = picture.by_pillow("RGBA")
    return _opaque_colors(path, pixels)


def read_colors(path: Path) -> Bytes:
    """Reads the exact colors of a label file: uint8 [H, W, 3], RGB; raises the errors of `read_image`, and ValueError
    for a JPEG, which does not preserve colors."""
    if read_file(path).startswith(JPEG):
        raise ValueError(f"{path} is a JPEG, which does not keep colors; write labels as PNG")
    return read_image(path)


def _is_plain_tiff(picture: StoredPicture) -> bool:
    return picture.format == "TIFF" and picture.mode == picture.rawmode == "RGB"


def _depth(pixels: npt.NDArray[Any]) -> str:
    bits = 8 * pixels.dtype.itemsize
    return f"{bits} bits" if pixels.dtype.kind == "u" else f"{bits} bits of the kind {pixels.dtype}"


def _opaque_colors(path: Path, pixels: Bytes) -> Bytes:
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape[2] == 4 and pixels[..., 3].min() < 255:
        raise ValueError(f"{path} is transparent in places, where there is no picture; write images without opacity")
    if pixels.shape[2] == 4:
        return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB), np.uint8)
    return pixels[..., :3]


@dataclass(frozen=True, slots=True)
class ImageKind:
    """Kind of an image file.

    Attributes:
        colors: Kind of its pixels: `colors`, `gray`, `indexed colors`, `colors and opacity`.
        turned: True if it has an orientation tag, which is ignored.
    """

    colors: str
    turned: bool


def kind_of_image(path: Path) -> ImageKind:
    """Returns the kind of an image file.

    Raises:
        UnreadableFrame: It is no image.
    """
    pillow = identified(path, read_file(path))
    if pillow is None:
        raise UnreadableFrame(path, NO_PICTURE)
    return ImageKind(KINDS.get(pillow.mode, f"mode {pillow.mode}"), orientation(path, pillow) != 1)


def resized_image(image: Bytes, size: tuple[int, int]) -> Bytes:
    """Resizes an image [H, W, 3]: by averaging where it shrinks, by interpolation where it grows."""
    shrinks = size[0] < image.shape[0] and size[1] < image.shape[1]
    resized: Bytes = mmcv.imresize(image, size[::-1], interpolation="area" if shrinks else "bilinear")
    return resized


def resized_labels(labels: Bytes, size: tuple[int, int]) -> Bytes:
    """Resizes labels [H, W]; each pixel takes the label at its centre."""
    # Pillow samples the pixel at the centre, OpenCV the one at the corner, which would shift labels against the image.
    nearest: Bytes = mmcv.imresize(labels, size[::-1], interpolation="nearest", backend="pillow")
    return nearest
