"""A process that asks the frame cache for frames: `python cached_process.py FRAMES CACHE DECODED PAUSE`."""

import os
import sys
import time
from pathlib import Path

import numpy as np

from segada.data.cache.frame_cache import FrameRequest, cached_frames
from segada.data.frames import Bytes, UnreadableFrame
from segada.settings.loading import LoadingSettings

SIZE = (6, 8)


def request_of(folder: Path, decoded: Path, bad: tuple[int, ...] = (), pause: float = 0.0) -> FrameRequest:
    """Frames made of one file each, which holds a seed; their numbers run from 10."""
    files = tuple(sorted(folder.glob("*.txt")))

    def decode(number: int) -> tuple[Bytes, Bytes]:
        file = files[number - 10]
        time.sleep(pause)
        with decoded.open("a") as lines:
            lines.write(f"{number} {os.getpid()}\n")
        if number in bad:
            raise UnreadableFrame(file, "is cut off; copy it anew")
        generator = np.random.default_rng(int(file.read_text()))
        return generator.integers(0, 256, (*SIZE, 3), np.uint8), generator.integers(0, 19, SIZE, np.uint8)

    return FrameRequest("test", files, tuple(range(10, 10 + len(files))), SIZE, decode)


def write_files(folder: Path, count: int = 5) -> Path:
    """The files of some frames, in a folder that is made."""
    folder.mkdir()
    for number in range(count):
        (folder / f"{number}.txt").write_text(str(number + 1))
    return folder


def ask(folder: Path, cache: Path, decoded: Path, pause: float) -> int:
    """The sum of all bytes of the frames; decoding one takes `pause` seconds and adds a line to the file `decoded`."""
    request = request_of(folder, decoded, pause=pause)
    frames = cached_frames(request, LoadingSettings(cache=str(cache), workers=1)).frames
    return int(frames.images.sum()) + int(frames.labels.sum())


if __name__ == "__main__":
    print(ask(*(Path(argument) for argument in sys.argv[1:4]), float(sys.argv[4])))
