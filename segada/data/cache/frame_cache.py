"""Frames as the network takes them, decoded once: later runs map them into memory."""

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
"""Part of every key: another number has all frames decoded anew."""

Decoded = tuple[Bytes, Bytes] | UnreadableFrame


@dataclass(frozen=True)
class FrameRequest:
    """Some frames of a data set, and how each is made.

    Attributes:
        identity: Says all that decides the frames beside their files: data set, weather, label map, and the version of
            the code that decodes them. People read it where the cache is listed.
        files: Every file that any of the frames is made of; if one changes, all frames are decoded anew.
        numbers: Of the frames, in the order wanted; what `decode` is called with.
        size: Height and width of the frames, in pixels.
        decode: From a frame's number to its image, uint8 [H, W, 3], and labels, uint8 [H, W]. It is called from several
            threads at once, in any order; raises `UnreadableFrame` about one of `files`.
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
        number: Of the frame.
        path: The file that cannot be read.
        reason: What is wrong with it, and what to do.
    """

    number: int
    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class DecodedFrames:
    """The frames of a request, without those that could not be read.

    Attributes:
        frames: Read-only; a map of the cache's file, or memory.
        numbers: int64 [N], those of the request that the frames have.
        unreadable: The others, in the order of the request.
    """

    frames: Frames
    numbers: npt.NDArray[np.int64]
    unreadable: tuple[Unreadable, ...]


def cached_frames(request: FrameRequest, loading: LoadingSettings) -> DecodedFrames:
    """The frames of a request; what cannot be read is left out and listed.

    They are decoded by one process alone, however many ask for them at once, and written into the folder of the cache;
    after that, and in later runs, its file is mapped. A file that is damaged is made anew. Where the folder takes
    nothing, each process decodes into memory, and a line on stderr says why.

    Args:
        request: Which frames.
        loading: Where the cache is, and how many threads decode.

    Raises:
        ValueError: the cache takes nothing, and memory is too small for the frames; or its folder's name has an
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
    """32 hexadecimal digits: the same for requests that get the same frames, wherever their files lie.

    A file counts by its name below the folder that all have in common, its size and the time of its last change.
    """
    files = [file.absolute() for file in request.files]
    root = os.path.commonpath(files) if files else ""
    names = [os.path.relpath(file, root) for file in files]
    versions = (FORMAT, cv2.__version__)
    facts = [versions, request.identity, request.size, request.numbers, names]
    # A look at a file takes milliseconds on a network file system.
    stamps = list(in_order(_stamp, request.files, workers))
    return hashlib.sha256(json.dumps([facts, stamps]).encode()).hexdigest()[:32]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _intact(folder: CacheFolder, key: str, request: FrameRequest, loading: LoadingSettings) -> DecodedFrames | None:
    """The entry of the key; None if there is none, or it is damaged."""
    try:
        return _opened(folder, key, request, loading)
    except (FileNotFoundError, DamagedEntry):
        return None


def _made(folder: CacheFolder, key: str, request: FrameRequest, loading: LoadingSettings) -> DecodedFrames:
    """The entry of the key, which another process may have made by now; called alone."""
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
