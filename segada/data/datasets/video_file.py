"""Frames of a video file, decoded one after the other, or from the nearest key frame before one."""

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Final

import numpy as np

from segada.data.datasets.video_index import VideoIndex, library, opened
from segada.data.frames import Bytes, UnreadableFrame

if TYPE_CHECKING:
    import av

KEPT: Final = 16
"""Number of decoded frames that are kept for threads that ask for them a little later than for the following ones."""
FAR: Final = 300
"""Number of frames from which on a key frame is looked for, in place of decoding all frames in between."""


class Video:
    """Decoder of a video file, which several threads may ask for frames; a frame is the same in any order of asking.

    Args:
        index: Index of the file.
        taken: Numbers of the frames that may be asked for.
    """

    def __init__(self, index: VideoIndex, taken: tuple[int, ...]) -> None:
        self._index = index
        self._taken = {index.stamps[number] for number in taken}
        self._lock = Lock()
        self._frames: Iterator[av.VideoFrame] | None = None
        self._next = 0
        self._kept: OrderedDict[int, av.VideoFrame] = OrderedDict()

    def picture(self, number: int) -> Bytes:
        """Returns a frame, uint8 [H, W, 3], RGB, turned as a player shows it.

        Raises:
            UnreadableFrame: It cannot be decoded.
        """
        stamp = self._index.stamps[number]
        with self._lock:
            frame = self._kept.get(stamp) or self._decoded(number, stamp)
        if frame is None or frame.is_corrupt:
            raise UnreadableFrame(self._index.path, f"has a damaged frame at {self._index.seconds[number]:.2f} s")
        return upright(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8), frame.rotation)

    def _decoded(self, number: int, stamp: int) -> "av.VideoFrame | None":
        """Returns a frame that is not kept; None if it cannot be decoded."""
        if self._frames is None or not 0 <= number - self._next < FAR:
            self._frames = self._from(stamp if number >= FAR or number < self._next else self._index.stamps[0])
        for frame in self._frames:
            if frame.pts is None:
                continue
            if frame.pts in self._taken:
                self._keep(frame.pts, frame)
            if frame.pts >= stamp:
                self._next = number + 1
                return frame if frame.pts == stamp else None
        self._frames = None
        return None

    def _from(self, stamp: int) -> "Iterator[av.VideoFrame]":
        """Yields the frames from the last key frame at or before a time, without those shown before it, whose
        references are missing."""
        av = library()
        container, stream = opened(self._index.path)
        stream.thread_type = "AUTO"
        with container:
            if stamp > self._index.stamps[0]:
                container.seek(stamp, stream=stream, backward=True)
            first = None
            for packet in container.demux(stream):
                first = packet.pts if first is None else first
                # A damaged packet has no frame; the others are decoded.
                with suppress(av.FFmpegError):
                    yield from (frame for frame in packet.decode() if first is None or (frame.pts or 0) >= first)

    def _keep(self, stamp: int, frame: "av.VideoFrame") -> None:
        self._kept[stamp] = frame
        if len(self._kept) > KEPT:
            self._kept.popitem(last=False)


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """Place of a frame in a video.

    Attributes:
        video: The video.
        number: Number of the frame, counted from 0 over all frames of the file.
    """

    video: Video
    number: int

    def picture(self) -> Bytes:
        """Reads the frame; raises the errors of `Video.picture`."""
        return self.video.picture(self.number)


def upright(pixels: Bytes, rotation: int) -> Bytes:
    """Returns a picture [H, W, 3] turned counterclockwise by a multiple of 90 degrees, as phones state it."""
    return np.ascontiguousarray(np.rot90(pixels, round(rotation / 90) % 4))
