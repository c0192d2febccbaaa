"""A cache file of decoded frames: writing it, and opening it without reading it into memory.

The file holds the images first, then the labels, each as one array that can be memory-mapped; a description of its
contents is at the end, as JSON, because it is known last. The first page holds the position of the description, and is
written after everything else.
"""

import fcntl
import mmap
import os
import struct
import zlib
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO, Final

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from segada.data.cache.decoding import in_order
from segada.data.frames import Bytes, Frames

MAGIC: Final = b"segada frames 1\n"
"""First bytes of every file of this format; another number is another format, whose frames are decoded again."""
PAGE: Final = 4096
"""Number of bytes before the images."""
BYTES_SAID: Final = 32
"""Approximate number of bytes per frame in the description of the contents."""
HEAD: Final = struct.Struct("<16sQQL")
"""Magic, position and length of the contents, and their checksum."""


class DamagedEntry(Exception):
    """A cache file differs from what was written; the text gives the problem."""


class LeftOut(BaseModel):
    """A frame that could not be read: its number, the index of the file among those of the request, and the reason."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    number: int
    file: int
    reason: str


class Contents(BaseModel):
    """Description of a cache file's contents."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    key: str
    """Key of the request, see `segada.data.cache.frame_cache`."""
    identity: str
    """Identity of the request."""
    height: int
    width: int
    slots: int
    """Number of frames that the file has space for: those of the request."""
    numbers: list[int]
    """Numbers of the frames, in their order."""
    checksums: list[int]
    """CRC-32 of each frame's image and labels. It detects every flipped byte, releases the GIL, and is the fastest
    checksum of the standard library."""
    left_out: list[LeftOut]

    @property
    def places(self) -> tuple[int, int, int]:
        """Byte positions of the start of the images, the start of the labels, and the end of the labels."""
        pixels = self.slots * self.height * self.width
        return PAGE, PAGE + 3 * pixels, PAGE + 4 * pixels


def entry_bytes(size: tuple[int, int], frames: int) -> int:
    """Returns the approximate length of a file of that many frames, in bytes."""
    return PAGE + frames * (4 * size[0] * size[1] + BYTES_SAID)


class EntryWriter:
    """Writes frames into an empty file, one after the other; the file is valid once `finish` has returned."""

    def __init__(self, file: FileIO, size: tuple[int, int], slots: int) -> None:
        self._file = file
        self._height, self._width = size
        self._slots = slots
        self._numbers: list[int] = []
        self._checksums: list[int] = []
        self._left_out: list[LeftOut] = []

    def add(self, number: int, image: Bytes, labels: Bytes) -> None:
        """Writes a frame: image uint8 [H, W, 3], labels uint8 [H, W]."""
        size = (self._height, self._width)
        assert (image.shape, labels.shape) == ((*size, 3), size)
        assert image.dtype == labels.dtype == np.uint8
        place, pixels = len(self._numbers), self._height * self._width
        image, labels = np.ascontiguousarray(image), np.ascontiguousarray(labels)
        self._write(PAGE + 3 * pixels * place, image.data)
        self._write(PAGE + 3 * pixels * self._slots + pixels * place, labels.data)
        self._numbers.append(number)
        self._checksums.append(_checksum(image, labels))

    def leave_out(self, number: int, file: int, reason: str) -> None:
        """Records a frame that could not be read."""
        self._left_out.append(LeftOut(number=number, file=file, reason=reason))

    def finish(self, key: str, identity: str) -> None:
        """Writes the description of the contents."""
        contents = Contents(
            key=key,
            identity=identity,
            height=self._height,
            width=self._width,
            slots=self._slots,
            numbers=self._numbers,
            checksums=self._checksums,
            left_out=self._left_out,
        )
        end, text = contents.places[2], contents.model_dump_json().encode()
        self._write(end, memoryview(text))
        self._write(0, memoryview(HEAD.pack(MAGIC, end, len(text), zlib.crc32(text))))

    def _write(self, place: int, content: memoryview) -> None:
        left = content.cast("B")
        while left:
            written = os.pwrite(self._file.fileno(), left, place)
            left, place = left[written:], place + written


def read_contents(file: BinaryIO) -> Contents:
    """Reads the description of an open cache file, without its frames.

    Raises:
        DamagedEntry: The file is of another kind, or incomplete.
    """
    head = file.read(HEAD.size)
    if len(head) < HEAD.size or not head.startswith(MAGIC):
        raise DamagedEntry("is not a cache file of this version")
    _, place, length, checksum = HEAD.unpack(head)
    size = file.seek(0, 2)
    if size != place + length:
        raise DamagedEntry(f"has {size} bytes in place of {place + length}")
    file.seek(place)
    text = file.read(length)
    if zlib.crc32(text) != checksum:
        raise DamagedEntry("does not agree with the checksum of its contents")
    try:
        contents = Contents.model_validate_json(text)
    except ValidationError as error:
        raise DamagedEntry("has a description of its contents that cannot be parsed") from error
    if contents.places[2] != place:
        raise DamagedEntry("has another length than its frames have")
    return contents


def open_entry(path: Path) -> tuple[Contents, Frames]:
    """Maps a cache file into memory; reading an array reads the file.

    As long as one of the arrays is in use, the file has a shared lock, which prevents its removal when space is needed.

    Raises:
        FileNotFoundError: There is no such file.
        DamagedEntry: See `read_contents`. The frames are not checked; `check_frames` does that.
    """
    try:
        return _mapped(path)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise DamagedEntry(f"cannot be read ({error.strerror})") from error


def is_mapped(frames: Frames) -> bool:
    """Returns True if the frames are mapped from a cache file, and not in memory of their own."""
    base: object = frames.images
    while isinstance(base, np.ndarray):
        base = base.base
    return isinstance(base, memoryview) and isinstance(base.obj, mmap.mmap)


def check_frames(contents: Contents, frames: Frames, workers: int) -> None:
    """Reads all frames with some threads and compares them with their checksums.

    Raises:
        DamagedEntry: A frame differs from what was written.
    """

    def checksum(place: int) -> int:
        return _checksum(frames.images[place], frames.labels[place])

    found = in_order(checksum, range(len(frames)), workers)
    for number, expected, actual in zip(contents.numbers, contents.checksums, found, strict=True):
        if actual != expected:
            raise DamagedEntry(f"does not agree with the checksum of frame {number}")


def _mapped(path: Path) -> tuple[Contents, Frames]:
    with path.open("rb") as file:
        # Without locks the file can only be removed too early, which only another machine would notice.
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        contents = read_contents(file)
        # The map holds a duplicate of the file's descriptor, and with it the lock.
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    shape = (len(contents.numbers), contents.height, contents.width)
    first_image, first_label, _ = contents.places
    pixels = shape[0] * shape[1] * shape[2]
    images = np.frombuffer(mapped, np.uint8, 3 * pixels, first_image).reshape(*shape, 3)
    return contents, Frames(images, np.frombuffer(mapped, np.uint8, pixels, first_label).reshape(shape))


def _checksum(image: Bytes, labels: Bytes) -> int:
    return zlib.crc32(labels.data, zlib.crc32(image.data))
