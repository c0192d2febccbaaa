"""Decoding of JPEG files that notices damaged data."""

import re
from pathlib import Path
from typing import Final

import numpy as np
import simplejpeg

from segada.data.frames import Bytes, UnreadableFrame

JPEG: Final = b"\xff\xd8"
"""First bytes of a JPEG file."""
HARMLESS: Final = re.compile("bad ICC marker|Invalid SOS parameters|Adobe color transform|JFIF revision")
"""Warnings of libjpeg about a file whose picture is complete."""
SKIPPED: Final = re.compile("([0-9]+) extraneous bytes before marker 0x([0-9a-f]{2})")
PRECISION: Final = re.compile("Unsupported JPEG data precision ([0-9]+)")
FOUR_COLORS: Final = ("CMYK", "YCCK")


def read_jpeg(path: Path, content: bytes) -> Bytes:
    """Decodes a JPEG file: uint8 [H, W, 3], RGB, as stored: an orientation tag is ignored. Bytes after its end, such as
    the film of a motion photo, are ignored, too.

    Args:
        path: Path of the file, for errors.
        content: Content of the file.

    Raises:
        UnreadableFrame: It is cut off, or libjpeg warns of damaged data, which it replaces by gray.
        ValueError: It has more than 8 bits a channel, or four printing colors.
    """
    # OpenCV and Pillow decode the same pixels, but return a damaged picture without a word.
    try:
        pixels: Bytes = simplejpeg.decode_jpeg(content)
    except ValueError as problem:
        pixels = _tolerated(path, content, str(problem))
    if simplejpeg.decode_jpeg_header(content)[2] in FOUR_COLORS:
        raise ValueError(f"{path} is in CMYK, the colors of a printer; write images in RGB")
    return pixels


def _tolerated(path: Path, content: bytes, problem: str) -> Bytes:
    if not HARMLESS.search(problem) and not _is_padding(content, problem):
        raise _failure(path, problem)
    try:
        return np.asarray(simplejpeg.decode_jpeg(content, strict=False))
    except ValueError as worse:
        raise _failure(path, str(worse)) from None


def _is_padding(content: bytes, problem: str) -> bool:
    """Returns True if the problem is that zeros were written before a marker, as some cameras do."""
    skipped = SKIPPED.search(problem)
    return skipped is not None and bytes(int(skipped[1])) + b"\xff" + bytes.fromhex(skipped[2]) in content


def _failure(path: Path, problem: str) -> ValueError:
    precision = PRECISION.search(problem)
    if precision is not None:
        return ValueError(
            f"{path} has {precision[1]} bits a channel; write images with 8, scaled as they are to be seen"
        )
    if "Premature end" in problem:
        return UnreadableFrame(path, "is cut off, so it is not an image that can be read; copy it anew")
    return UnreadableFrame(path, f"is damaged ({problem}), so it is not an image that can be read; copy it anew")
