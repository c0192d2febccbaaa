"""Index of a video file: the time of every frame, read from its packets without decoding them."""

import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from segada.data.frames import WrongSetting

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.stream import VideoStream

STATES_DURATION: Final = "matroska"
"""Format whose header states the duration, but not the number of frames."""
TOLERANCE: Final = 0.5
"""Seconds by which a film may be shorter than its header states, in which tracks may differ in length."""
EARLY: Final = 1e-6
"""Seconds by which a frame may come before the time for which it is taken: times are stored as fractions."""


@dataclass(frozen=True, slots=True)
class VideoIndex:
    """Frames of a video file, in the order in which they are shown.

    Attributes:
        path: The file.
        stamps: Time of every frame, in units of the stream, ascending.
        seconds: The same in seconds from the first frame.
    """

    path: Path
    stamps: tuple[int, ...]
    seconds: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.stamps)

    def at_rate(self, rate: float | None) -> tuple[int, ...]:
        """Returns the numbers of the frames that are first at or after each multiple of 1 / `rate` seconds; all frames
        for None."""
        if rate is None:
            return tuple(range(len(self)))
        taken, multiple = [], 0
        for number, seconds in enumerate(self.seconds):
            if seconds * rate >= multiple - EARLY * rate:
                taken.append(number)
                multiple = math.floor((seconds + EARLY) * rate) + 1
        return tuple(taken)


def read_index(path: Path) -> VideoIndex:
    """Reads the index of a video file, once for all that need it.

    Raises:
        WrongSetting: PyAV is not installed, the file is missing or no video, or it is cut off.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise WrongSetting(f"{path} cannot be read ({error.strerror})", "file", "root") from None
    return _read(path, status.st_mtime_ns, status.st_size)


def opened(path: Path) -> "tuple[InputContainer, VideoStream]":
    """Opens a video file.

    Raises:
        WrongSetting: PyAV is not installed, or the file is no video.
    """
    av = library()
    try:
        container = av.open(str(path))
    except av.FFmpegError as error:
        raise WrongSetting(f"{path} cannot be opened as a video ({_reason(error)}); {COPY}", "file") from None
    if not container.streams.video:
        container.close()
        raise WrongSetting(f"{path} has no pictures; {COPY}", "file")
    return container, container.streams.video[0]


def library() -> Any:
    """Returns the module of PyAV.

    Raises:
        WrongSetting: It is not installed.
    """
    try:
        return import_module("av")
    except ImportError:
        raise WrongSetting("videos are read with PyAV, which is not installed: pip install 'segada[video]'") from None


COPY: Final = "copy it again, or convert it: ffmpeg -i FILE NEW.mp4"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int, _size: int) -> VideoIndex:
    av = library()
    container, stream = opened(path)
    stamps: list[int | None] = []
    end = 0.0
    with container:
        try:
            for packet in container.demux():
                if not packet.size:
                    continue
                if packet.pts is not None and packet.time_base is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.stream_index == stream.index:
                    stamps.append(packet.pts)
        except av.FFmpegError as error:
            raise WrongSetting(f"{path} ends in damage ({_reason(error)}); {COPY}", "file") from None
        _check_whole(path, container, stream, len(stamps), end)
        scale = float(stream.time_base or 1)
    known = sorted(stamp for stamp in stamps if stamp is not None)
    if len(known) < len(stamps) or not known:
        problem = "no frame" if not known else f"{len(stamps) - len(known)} frames without a time"
        raise WrongSetting(f"{path} has {problem}; {COPY}", "file")
    return VideoIndex(path, tuple(known), tuple((stamp - known[0]) * scale for stamp in known))


def _check_whole(path: Path, container: "InputContainer", stream: "VideoStream", count: int, end: float) -> None:
    """Refuses a file that holds less than its header states."""
    stated = (container.duration or 0) / 1e6
    if count < stream.frames:
        missing = f"{count} of the {stream.frames} frames"
    elif container.format.name.startswith(STATES_DURATION) and end < stated - TOLERANCE:
        missing = f"{end:.1f} of the {stated:.1f} seconds"
    else:
        return
    raise WrongSetting(
        f"{path} is cut off: it holds {missing} that its header states; copy it again, or keep what is there: ffmpeg "
        "-i FILE NEW.mp4",
        "file",
    )
