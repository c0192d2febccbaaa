"""Pixels of image files as they are stored, and what is known of them before they are decoded."""

import io
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, TiffTags, UnidentifiedImageError
from PIL.ImageFile import ImageFile
from PIL.TiffImagePlugin import TiffImageFile

from segada.core.stand_ins import stand_in
from segada.data.frames import UnreadableFrame

NO_PICTURE: Final = "is not an image that can be read; copy it anew, or write it as PNG"
CUT_OFF: Final = "is cut off, so it is not an image that can be read; copy it anew"
FORMATS: Final = (
    "AVIF",
    "BMP",
    "DIB",
    "GIF",
    "JPEG",
    "JPEG2000",
    "MPO",
    "PCX",
    "PNG",
    "PPM",
    "SGI",
    "SUN",
    "TGA",
    "TIFF",
    "WEBP",
)
"""Formats that Pillow may decode; it has others, for which it starts programs."""
DECODER_ERRORS: Final = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    cv2.error,
    struct.error,
    zlib.error,
)
"""Exceptions of decoders about damaged files."""
PNG: Final = b"\x89PNG\r\n\x1a\n"
PNG_END: Final = b"IEND"
OPACITY_BESIDE: Final = ("LA", "La", "PA")
"""Modes of Pillow with opacity beside one channel."""
PNM_DECODERS: Final = ("ppm", "ppm_plain")
PNM_MAXIMA: Final = (255, 65535)
"""Greatest numbers in a PNM file that all programs read alike."""


def read_file(path: Path) -> bytes:
    """Reads a whole image file.

    Raises:
        UnreadableFrame: It cannot be opened, is empty, or another file stands in for it.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UnreadableFrame(path, f"cannot be read ({error.strerror}); copy it anew") from None
    if not content:
        raise UnreadableFrame(path, f"has no content: it {NO_PICTURE}")
    problem = stand_in(content)
    if problem is not None:
        raise UnreadableFrame(path, problem)
    return content


@dataclass(frozen=True, slots=True)
class StoredPicture:
    """An open image file.

    Attributes:
        path: Path of the file.
        content: Content of the file; a TIFF's orientation is that of the stored pixels.
        pillow: The file as Pillow opened it, not decoded; None if Pillow does not know it.
        rawmode: Kind of the stored numbers, which Pillow converts to its mode: `L;4`; empty if it is unknown.
    """

    path: Path
    content: bytes
    pillow: ImageFile | None
    rawmode: str

    @property
    def format(self) -> str:
        """Name of the format as in Pillow: `PNG`; empty if it is unknown."""
        return "" if self.pillow is None else self.pillow.format or ""

    @property
    def mode(self) -> str:
        """Mode of the pixels as in Pillow: `RGB`, `L`; empty if it is unknown."""
        return "" if self.pillow is None else self.pillow.mode

    @property
    def has_opacity(self) -> bool:
        """True if Pillow finds opacity that OpenCV may drop: beside gray or an index, or as a transparent color."""
        return self.mode in OPACITY_BESIDE or (self.pillow is not None and "transparency" in self.pillow.info)

    def by_pillow(self, mode: str | None = None) -> npt.NDArray[Any]:
        """Returns the pixels, [H, W] or [H, W, C], in a mode of Pillow.

        Raises:
            UnreadableFrame: They are damaged.
        """
        assert self.pillow is not None
        with decoding(self.path):
            return np.asarray(self.pillow if mode is None else self.pillow.convert(mode))

    def by_opencv(self) -> npt.NDArray[Any]:
        """Returns the pixels, [H, W] or [H, W, C], in the type of the stored numbers and in the order red, green, blue.

        Raises:
            UnreadableFrame: They are damaged.
        """
        pixels = None
        with decoding(self.path):
            if isinstance(self.pillow, TiffImageFile) and self.pillow.info["compression"] != "raw":
                # OpenCV returns a damaged picture without a word.
                self.pillow.load()
            pixels = cv2.imdecode(np.frombuffer(self.content, np.uint8), cv2.IMREAD_UNCHANGED)
        if pixels is None:
            raise UnreadableFrame(self.path, NO_PICTURE)
        return np.asarray(_red_first(pixels))


def _red_first(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if pixels.ndim == 2 or pixels.shape[2] < 3:
        return pixels
    if pixels.dtype == np.uint8:
        # Faster than a view with reversed channels, which resizing would have to copy.
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB if pixels.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
    return pixels[..., [2, 1, 0, *range(3, pixels.shape[2])]]


@contextmanager
def decoding(path: Path) -> Iterator[None]:
    """Turns the errors of decoders into errors about a file.

    Raises:
        UnreadableFrame: The file is damaged.
        ValueError: It has more pixels than Pillow decodes.
    """
    try:
        yield
    except Image.DecompressionBombError:
        limit = 2 * (Image.MAX_IMAGE_PIXELS or 0)
        raise ValueError(
            f"{path} has more than {limit:,} pixels, the most that are decoded; cut it into parts"
        ) from None
    except DECODER_ERRORS:
        raise UnreadableFrame(path, NO_PICTURE) from None


def open_picture(path: Path, content: bytes) -> StoredPicture:
    """Opens an image file, without decoding it.

    Args:
        path: Path of the file.
        content: Content of the file.

    Raises:
        UnreadableFrame: It is damaged.
        ValueError: It holds several pictures, or numbers of an unusual scale.
    """
    if content.startswith(PNG) and PNG_END not in content:
        # Pillow decodes what is left of it without a word.
        raise UnreadableFrame(path, CUT_OFF)
    pillow = identified(path, content)
    if isinstance(pillow, TiffImageFile):
        content = _in_stored_orientation(path, content, orientation(path, pillow))
        pillow = identified(path, content)
    if pillow is not None:
        with decoding(path):
            count = _count_pictures(pillow)
        if count > 1:
            raise ValueError(f"{path} holds {count} pictures, as animations and stacks do; write each as a file")
        _check_scale(path, pillow)
    return StoredPicture(path, content, pillow, _rawmode(pillow))


def identified(path: Path, content: bytes) -> ImageFile | None:
    """Opens an image file with Pillow, without decoding it; None if Pillow does not know it.

    Raises:
        UnreadableFrame: It is damaged.
    """
    with decoding(path):
        try:
            pillow = Image.open(io.BytesIO(content))
        except UnidentifiedImageError:
            return None
    return pillow if isinstance(pillow, ImageFile) and pillow.format in FORMATS else None


def orientation(path: Path, pillow: ImageFile) -> int:
    """Returns the orientation that the tag of an image file gives its pixels, 1 to 8 as in EXIF; 1 if it has no tag.

    Raises:
        UnreadableFrame: The file is damaged.
    """
    with decoding(path):
        return int(pillow.getexif().get(ExifTags.Base.Orientation, 1))


def _in_stored_orientation(path: Path, content: bytes, turned: int) -> bytes:
    """Returns the content of a TIFF file with a neutral orientation tag, which all decoders apply otherwise."""
    if turned == 1:
        return content
    order = "<" if content.startswith(b"II") else ">"
    number, kind = int(ExifTags.Base.Orientation), TiffTags.SHORT
    for layout in ("HHIH", "HHQH"):
        tag = struct.pack(order + layout, number, kind, 1, turned)
        if tag in content:
            return content.replace(tag, struct.pack(order + layout, number, kind, 1, 1))
    raise ValueError(f"{path} has an orientation tag that cannot be ignored, as all others are; remove the tag")


def _count_pictures(pillow: ImageFile) -> int:
    """Returns the number of pictures in a file; smaller copies of the first, as some TIFF files have, do not count."""
    count: int = getattr(pillow, "n_frames", 1)
    if not isinstance(pillow, TiffImageFile):
        return count
    size, pictures = pillow.size, 1
    for number in range(1, count):
        pillow.seek(number)
        pictures += pillow.size == size
    pillow.seek(0)
    return pictures


def _rawmode(pillow: ImageFile | None) -> str:
    tiles = [] if pillow is None else pillow.tile
    arguments = tiles[0][3] if tiles else ""
    return str(arguments[0] if isinstance(arguments, tuple) else arguments)


def _check_scale(path: Path, pillow: ImageFile) -> None:
    decoder, arguments = (pillow.tile[0][0], pillow.tile[0][3]) if pillow.format == "PPM" else ("", ())
    if decoder in PNM_DECODERS and isinstance(arguments, tuple) and arguments[-1] not in PNM_MAXIMA:
        raise ValueError(
            f"{path} declares {arguments[-1]} as its greatest number, to which not all programs scale; write PNG"
        )
