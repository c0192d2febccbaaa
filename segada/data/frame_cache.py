"""Frames as the network takes them, decoded once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from segada.data.decoding import count_workers, in_order
from segada.data.frames import Bytes, Frames, UnreadableFrame
from segada.settings.loading import LoadingSettings


@dataclass(frozen=True)
class FrameRequest:
    """Some frames of a data set, and how each is made.

    Attributes:
        identity: Says all that decides the frames beside their files: data set, weather, label map, and the version of
            the code that decodes them.
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
        frames: Read-only.
        numbers: int64 [N], those of the request that the frames have.
        unreadable: The others, in the order of the request.
    """

    frames: Frames
    numbers: npt.NDArray[np.int64]
    unreadable: tuple[Unreadable, ...]


def cached_frames(request: FrameRequest, loading: LoadingSettings) -> DecodedFrames:
    """The frames of a request, decoded by some threads; what cannot be read is left out and listed.

    Args:
        request: Which frames.
        loading: How many threads decode them.
    """
    height, width = request.size
    images = np.empty((len(request.numbers), height, width, 3), np.uint8)
    labels = np.empty((len(request.numbers), height, width), np.uint8)
    numbers: list[int] = []
    unreadable: list[Unreadable] = []
    for number, result in zip(request.numbers, _results(request, loading), strict=True):
        if isinstance(result, UnreadableFrame):
            unreadable.append(Unreadable(number, result.path, result.reason))
        else:
            images[len(numbers)], labels[len(numbers)] = result
            numbers.append(number)
    frames = Frames(images[: len(numbers)], labels[: len(numbers)])
    frames.images.setflags(write=False)
    frames.labels.setflags(write=False)
    return DecodedFrames(frames, np.array(numbers, np.int64), tuple(unreadable))


def _results(request: FrameRequest, loading: LoadingSettings) -> Iterator[tuple[Bytes, Bytes] | UnreadableFrame]:
    def decoded(number: int) -> tuple[Bytes, Bytes] | UnreadableFrame:
        try:
            return request.decode(number)
        except UnreadableFrame as error:
            return error

    return in_order(decoded, request.numbers, count_workers(loading.workers))
