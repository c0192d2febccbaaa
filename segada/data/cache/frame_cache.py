"""Cache of frames at the network's resolution: decoded once, and mapped into memory by later runs."""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from segada.core.printing import tell
from segada.core.storage_errors import StorageError, writing
from segada.data.cache.cache_entry import Contents, DamagedEntry, EntryWriter, check_frames, entry_bytes, open_entry
from segada.data.cache.cache_folder import CacheFolder
from segada.data.cache.decoding import count_workers, in_order
from segada.data.cache.memory_left import refuse_more_than_is_left
from segada.data.cache.progress import told
from segada.data.frames import Bytes, Frames, UnreadableFrame
from segada.settings.folders import expand
from segada.settings.loading import LoadingSettings

FORMAT: Final = 1
"""Part of every key; another number makes all frames be decoded again."""

Decoded = tuple[Bytes, Bytes] | UnreadableFrame


@dataclass(frozen=True)
class FrameRequest:
    """Frames of a data set, and how each is decoded.

    Attributes:
        identity: Description of all that determines the frames beside their files: data set, weather, label map, and
            the version of the decoding code. It is shown where the cache is listed.
        files: Every file that any of the frames is made of; if one changes, all frames are decoded again.
        numbers: Numbers of the frames, in the order wanted; arguments of `decode`.
        size: Height and width of the frames, in pixels.
        decode: Function from a frame's number to its image, uint8 [H, W, 3], and labels, uint8 [H, W]. It is called
            from several threads at once, in any order; raises `UnreadableFrame` about one of `files`.
    """

    identity: str
    files: tuple[Path, ...]
    numbers: tuple[int, ...]
    size: tuple[int, int]
    decode: Callable[[int], tuple[Bytes, Bytes]]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A frame that is left out.

    Attributes:
        number: Number of the frame.
        path: File that cannot be read.
        reason: Problem with the file, and the cure.
    """

    number: int
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class DecodedFrames:
    """The frames of a request, without those that could not be read.

    Attributes:
        frames: Read-only; a map of the cache file, or memory.
        numbers: int64 [N], the numbers in the request of these frames.
        unreadable: The other frames, in the order of the request.
    """

    frames: Frames
    numbers: npt.NDArray[np.int64]
    unreadable: tuple[Unreadable, ...]


def cached_frames(request: FrameRequest, loading: LoadingSettings) -> DecodedFrames:
    """Returns the frames of a request; unreadable ones are left out and listed.

    They are decoded by a single process, even if several request them at once, and written into the cache folder; after
    that, and in later runs, the file is mapped. A damaged file is rebuilt. If the folder cannot store them, each
    process decodes into memory, and a line on stderr gives the reason.

    Args:
        request: Frames to return.
        loading: Settings of the cache folder and the number of threads.

    Raises:
        ValueError: The cache cannot store the frames, and memory is too small for them; or the folder's name has an
            environment variable without a value.
    """
    workers = count_workers(loading.workers)
    if loading.cache is None:
        return _in_memory(request, workers)
    folder = CacheFolder(expand(loading.cache), loading.cache_limit * 2**30)
    key = request_key(request, workers)
    found = _intact(folder, key, request, loading)
    if found is not None:
        return found
    try:
        with folder.alone(key):
            return _made(folder, key, request, loading)
    except StorageError as error:
        tell(f"warning: frames of {request.identity} are decoded into memory, not cached: {error}")
        return _in_memory(request, workers)


def request_key(request: FrameRequest, workers: int) -> str:
    """Returns 32 hexadecimal digits: the same for requests of the same frames, regardless of the location of their
    files.

    A file is identified by its name below the common folder of all files, its size and its modification time.
    """
    files = [file.absolute() for file in request.files]
    root = os.path.commonpath(files) if files else ""
    names = [os.path.relpath(file, root) for file in files]
    versions = (FORMAT, cv2.__version__)
    facts = [versions, request.identity, request.size, request.numbers, names]
    # The status of a file takes milliseconds on a network file system.
    stamps = list(in_order(_stamp, request.files, workers))
    return hashlib.sha256(json.dumps([facts, stamps]).encode()).hexdigest()[:32]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _intact(folder: CacheFolder, key: str, request: FrameRequest, loading: LoadingSettings) -> DecodedFrames | None:
    """Returns the entry of the key; None if there is none, or it is damaged."""
    try:
        return _opened(folder, key, request, loading)
    except (FileNotFoundError, PermissionError, DamagedEntry):
        return None


def _made(folder: CacheFolder, key: str, request: FrameRequest, loading: LoadingSettings) -> DecodedFrames:
    """Returns the entry of the key, built unless another process has done so by now; must be called inside `alone`."""
    try:
        return _opened(folder, key, request, loading)
    except FileNotFoundError:
        pass
    except DamagedEntry as damage:
        tell(f"warning: {folder.entry(key)} {damage}; its frames are decoded anew")
    _build(folder, key, request, count_workers(loading.workers))
    return _decoded(request, *open_entry(folder.entry(key)))


def _opened(folder: CacheFolder, key: str, request: FrameRequest, loading: LoadingSettings) -> DecodedFrames:
    contents, frames = open_entry(folder.entry(key))
    if loading.check:
        check_frames(contents, frames, count_workers(loading.workers))
    folder.touch(key)
    return _decoded(request, contents, frames)


def _decoded(request: FrameRequest, contents: Contents, frames: Frames) -> DecodedFrames:
    unreadable = tuple(Unreadable(left.number, request.files[left.file], left.reason) for left in contents.left_out)
    return DecodedFrames(frames, np.array(contents.numbers, np.int64), unreadable)


def _build(folder: CacheFolder, key: str, request: FrameRequest, workers: int) -> None:
    path = folder.entry(key)

    def fill(file: FileIO) -> None:
        writer = EntryWriter(file, request.size, len(request.numbers))
        for number, result in _results(request, workers):
            if isinstance(result, UnreadableFrame):
                writer.leave_out(number, request.files.index(result.path), result.reason)
            else:
                with writing(path):
                    writer.add(number, *result)
        with writing(path):
            writer.finish(key, request.identity)

    folder.write(key, entry_bytes(request.size, len(request.numbers)), fill)


def _in_memory(request: FrameRequest, workers: int) -> DecodedFrames:
    height, width = request.size
    refuse_more_than_is_left(4 * len(request.numbers) * height * width, request.identity)
    images = np.empty((len(request.numbers), height, width, 3), np.uint8)
    labels = np.empty((len(request.numbers), height, width), np.uint8)
    numbers: list[int] = []
    unreadable: list[Unreadable] = []
    for number, result in _results(request, workers):
        if isinstance(result, UnreadableFrame):
            unreadable.append(Unreadable(number, result.path, result.reason))
        else:
            images[len(numbers)], labels[len(numbers)] = result
            numbers.append(number)
    frames = Frames(images[: len(numbers)], labels[: len(numbers)])
    frames.images.setflags(write=False)
    frames.labels.setflags(write=False)
    return DecodedFrames(frames, np.array(numbers, np.int64), tuple(unreadable))


def _results(request: FrameRequest, workers: int) -> Iterator[tuple[int, Decoded]]:
    def decoded(number: int) -> tuple[int, Decoded]:
        try:
            return number, request.decode(number)
        except UnreadableFrame as error:
            return number, error

    results = in_order(decoded, request.numbers, workers)
    return told(results, len(request.numbers), f"decoding frames of {request.identity}")
