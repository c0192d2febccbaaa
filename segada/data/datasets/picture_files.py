"""Reading of image files: colors from any format, and raw numbers from label and depth files."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import cv2
import mmcv
import numpy as np
import numpy.typing as npt
from PIL import Image

from segada.data.frames import Bytes, UnreadableFrame

Numbers: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

PNG: Final = b"\x89PNG\r\n\x1a\n"
JPEG: Final = b"\xff\xd8"
TAIL: Final = 4096
"""Number of bytes at the end of a file among which its end mark must be; some programs write a few bytes after it."""
NO_PICTURE: Final = "is not an image that can be read; copy it anew"
CUT_OFF: Final = "is cut off, so it is not an image that can be read; copy it anew"
COLOR_AND_OPACITY: Final = 6
"""Color type of PNG files with an alpha channel."""


@dataclass(frozen=True, slots=True)
class PngHeader:
    """Header fields of a PNG file.

    Attributes:
        bits: Bits per channel, or per index.
        color_type: Color type as in the PNG specification.
    """

    bits: int
    color_type: int


def png_header(content: bytes) -> PngHeader | None:
    """Parses the header of a file's content; None if it is no PNG."""
    return PngHeader(content[24], content[25]) if content.startswith(PNG) and len(content) > 25 else None


def read_file(path: Path) -> bytes:
    """Reads a whole image file.

    Raises:
        UnreadableFrame: It cannot be opened, or its end is missing.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFrame(path, f"cannot be read ({error.strerror}); copy it anew") from None
    if not content:
        raise UnreadableFrame(path, f"has no content: it {NO_PICTURE}")
    for mark, end in ((PNG, b"IEND"), (JPEG, b"\xff\xd9")):
        if content.startswith(mark) and end not in content[-TAIL:]:
            raise UnreadableFrame(path, CUT_OFF)
    return content


def read_image(path: Path) -> Bytes:
    """Reads a photograph: uint8 [H, W, 3], RGB. Gray and indexed files are converted; an opaque alpha channel is
    dropped.

    Raises:
        UnreadableFrame: The file is damaged.
        ValueError: It has more than 8 bits a channel, or transparent pixels.
    """
    content = read_file(path)
    header = png_header(content)
    if header is not None and header.bits > 8:
        raise ValueError(f"{path} has {header.bits} bits a channel; write images with 8, scaled as they are to be seen")
    if header is not None and header.color_type == COLOR_AND_OPACITY:
        return _opaque(path, _decoded(path, content, cv2.IMREAD_UNCHANGED))
    # Faster than a view with reversed channels, which resizing would have to copy.
    return np.asarray(cv2.cvtColor(_decoded(path, content, cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB), np.uint8)


def _opaque(path: Path, pixels: Bytes) -> Bytes:
    if pixels[..., 3].min() < 255:
        raise ValueError(f"{path} is transparent in places, where there is no picture; write images without opacity")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGB), np.uint8)


def read_colors(path: Path) -> Bytes:
    """Reads the exact colors of a label file: uint8 [H, W, 3], RGB; raises the errors of `read_image`, and ValueError
    for a JPEG, which does not preserve colors."""
    if read_file(path).startswith(JPEG):
        raise ValueError(f"{path} is a JPEG, which does not keep colors; write labels as PNG")
    return read_image(path)


def read_numbers(path: Path, channel: int | None = None) -> Numbers:
    """Reads the raw numbers of a label or depth file: uint8 or uint16 [H, W].

    For indexed files these are the indices, not the colors, and for gray files with less than 8 bits the numbers as
    written, which image libraries scale.

    Args:
        path: PNG, or another lossless format.
        channel: Channel of a file with several, in the order red, green, blue; None refuses such a file.

    Raises:
        UnreadableFrame: The file is damaged.
        ValueError: It is a JPEG, which does not preserve numbers, or has several channels.
    """
    content = read_file(path)
    if content.startswith(JPEG):
        raise ValueError(f"{path} is a JPEG, which does not keep numbers; write labels as PNG")
    mode = _mode(path, content)
    if mode == "P":
        return _indices(path, content)
    pixels: Numbers = _decoded(path, content, cv2.IMREAD_UNCHANGED)
    if pixels.ndim == 3:
        if channel is None:
            raise ValueError(
                f"{path} has shape {pixels.shape}: colors, not ids; write ids in one channel, or, if one of its "
                "channels holds them, name that as channel of a domain of the data set folders"
            )
        return pixels[..., 2 - channel if channel < 3 else channel]
    header = png_header(content)
    if header is not None and header.bits < 8:
        return pixels // np.uint8(255 // (2**header.bits - 1))
    return pixels


def _mode(path: Path, content: bytes) -> str:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return picture.mode
    except OSError:
        raise UnreadableFrame(path, NO_PICTURE) from None


def _indices(path: Path, content: bytes) -> Bytes:
    try:
        with Image.open(io.BytesIO(content)) as picture:
            return np.asarray(picture)
    except OSError:
        raise UnreadableFrame(path, NO_PICTURE) from None


def _decoded(path: Path, content: bytes, flag: int) -> Any:
    try:
        pixels: Any = cv2.imdecode(np.frombuffer(content, np.uint8), flag)
    except cv2.error:
        pixels = None
    if pixels is None:
        raise UnreadableFrame(path, NO_PICTURE)
    return pixels


def kind_of_image(path: Path) -> str:
    """Returns the kind of an image file: `colors`, `gray`, `indexed colors`, `colors and opacity`."""
    kinds = {"RGB": "colors", "L": "gray", "P": "indexed colors", "RGBA": "colors and opacity"}
    mode = _mode(path, read_file(path))
    return kinds.get(mode, f"mode {mode}")


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
