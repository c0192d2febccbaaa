"""Reading of the whole numbers in label and depth files."""

from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import numpy.typing as npt
from PIL.TiffImagePlugin import SAMPLEFORMAT as SAMPLE_FORMAT
from PIL.TiffImagePlugin import TiffImageFile

from segada.data.datasets.jpeg_files import JPEG
from segada.data.datasets.stored_pictures import StoredPicture, open_picture, read_file

Numbers: TypeAlias = npt.NDArray[np.integer[Any]]

LOSSY: Final = {"AVIF": "an AVIF", "GIF": "a GIF"}
"""Formats that change numbers: AVIF by its compression, GIF by the order of its palette, which programs choose."""
OTHER_COLORS: Final = ("CMYK", "HSV", "LAB", "YCbCr")
STEPS: Final = {"1": 1, "1;R": 1, "L": 1, "L;R": 1, "L;2": 85, "L;2R": 85, "L;4": 17, "L;4R": 17}
"""Distance of neighboring numbers in the pixels of Pillow, by how one channel is stored; OpenCV has others."""
INVERTED: Final = ("1;I", "1;IR", "L;I", "L;IR", "L;2I", "L;2IR", "L;4I", "L;4IR")
"""Gray that is stored with white as 0."""
SAME_CHANNELS: Final = ("LA", "PA", "RGB", "RGBA")
"""Modes of Pillow whose channels are the stored ones, if they are stored so."""
SIGNED: Final = (2,)
"""Value of TIFF's SampleFormat for signed numbers."""
MOST: Final = 2.0**53
"""Limit of the whole numbers that a float holds exactly."""


def read_numbers(path: Path, channel: int | None = None) -> Numbers:
    """Reads the stored whole numbers of a label or depth file, integers [H, W]; an orientation tag is ignored.

    For indexed files these are the indices, not the colors, and for gray files with less than 8 bits the numbers as
    written, which image libraries scale. Files of floating-point numbers are read if all of them are whole.

    Args:
        path: PNG, or another lossless format.
        channel: Channel of a file with several, in the order red, green, blue; None refuses such a file.

    Raises:
        UnreadableFrame: The file is damaged.
        ValueError: Its format does not preserve numbers, it has several channels or not the one wanted, or a number is
            not whole.
    """
    content = read_file(path)
    if content.startswith(JPEG):
        raise _lossy(path, "a JPEG")
    picture = open_picture(path, content)
    if picture.format in LOSSY:
        raise _lossy(path, LOSSY[picture.format])
    if picture.mode in OTHER_COLORS:
        raise ValueError(f"{path} has colors of the kind {picture.mode}, not ids; write ids in one channel")
    if picture.rawmode in INVERTED:
        raise ValueError(f"{path} stores white as 0, so that its ids may be inverted; write labels as PNG")
    return _whole(path, _one_channel(path, _stored(picture), channel))


def _lossy(path: Path, kind: str) -> ValueError:
    return ValueError(f"{path} is {kind}, which does not keep numbers; write labels as PNG")


def _stored(picture: StoredPicture) -> npt.NDArray[Any]:
    """Returns the stored numbers [H, W] or [H, W, C]: by Pillow where it keeps 8 bits, otherwise by OpenCV."""
    if picture.mode == "P" or (picture.mode == picture.rawmode and picture.mode in SAME_CHANNELS):
        return picture.by_pillow()
    if picture.mode in ("1", "L") and picture.rawmode in STEPS and not _is_signed(picture):
        numbers, step = picture.by_pillow().astype(np.uint8, copy=False), STEPS[picture.rawmode]
        return numbers if step == 1 else numbers // np.uint8(step)
    return picture.by_opencv()


def _is_signed(picture: StoredPicture) -> bool:
    return isinstance(picture.pillow, TiffImageFile) and picture.pillow.tag_v2.get(SAMPLE_FORMAT) == SIGNED


def _one_channel(path: Path, numbers: npt.NDArray[Any], channel: int | None) -> npt.NDArray[Any]:
    channels = 1 if numbers.ndim == 2 else numbers.shape[2]
    if channel is None and channels > 1:
        raise ValueError(
            f"{path} has shape {numbers.shape}: colors, not ids; write ids in one channel, or, if one of its "
            "channels holds them, name that as channel of a domain of the data set folders"
        )
    if channel is not None and channel >= channels:
        raise ValueError(
            f"{path} has {channels} channel{'s' if channels > 1 else ''}, counted from 0, but channel is {channel}; "
            "name the one that holds the ids"
        )
    return numbers if numbers.ndim == 2 else numbers[..., channel or 0]


def _whole(path: Path, numbers: npt.NDArray[Any]) -> Numbers:
    if numbers.dtype.kind in "iu":
        return numbers
    wrong = ~((np.trunc(numbers) == numbers) & (np.abs(numbers) < MOST))
    if wrong.any():
        row, column = np.unravel_index(wrong.argmax(), wrong.shape)
        raise ValueError(
            f"{path} has {numbers[row, column]:g} in row {row}, column {column}, and {np.count_nonzero(wrong) - 1} "
            "more numbers that are not whole; write whole numbers, and one of them where nothing is known"
        )
    return numbers.astype(np.int64)
