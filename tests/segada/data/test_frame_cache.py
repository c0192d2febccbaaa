"""Frames are decoded once, and whatever is in the way, a user gets the right ones."""

from pathlib import Path

import numpy as np
import pytest

from segada.data.frame_cache import FrameRequest, cached_frames
from segada.data.frames import Bytes, UnreadableFrame
from segada.settings.loading import LoadingSettings

SIZE = (6, 8)


def request_of(folder: Path, count: int = 5, bad: tuple[int, ...] = ()) -> FrameRequest:
    """Frames made of one file each, which holds a number; the numbers run from 10."""
    files = tuple(folder / f"{number}.txt" for number in range(count))
    for number, file in enumerate(files):
        file.write_text(str(number + 1))

    def decode(number: int) -> tuple[Bytes, Bytes]:
        file = files[number - 10]
        if number - 10 in bad:
            raise UnreadableFrame(file, "is cut off; copy it anew")
        generator = np.random.default_rng(int(file.read_text()))
        return generator.integers(0, 256, (*SIZE, 3), np.uint8), generator.integers(0, 19, SIZE, np.uint8)

    return FrameRequest("test", files, tuple(range(10, 10 + count)), SIZE, decode)


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_frames_are_those_of_decode_without_the_unreadable_ones(tmp_path: Path, workers: int) -> None:
    request = request_of(tmp_path, bad=(1, 4))
    decoded = cached_frames(request, LoadingSettings(workers=workers))
    assert decoded.numbers.tolist() == [10, 12, 13]
    for place, number in enumerate(decoded.numbers):
        image, labels = request.decode(number)
        np.testing.assert_array_equal(decoded.frames.images[place], image)
        np.testing.assert_array_equal(decoded.frames.labels[place], labels)
    assert [(frame.number, frame.path) for frame in decoded.unreadable] == [
        (11, tmp_path / "1.txt"),
        (14, tmp_path / "4.txt"),
    ]
    assert {frame.reason for frame in decoded.unreadable} == {"is cut off; copy it anew"}


def test_frames_cannot_be_written_to(tmp_path: Path) -> None:
    frames = cached_frames(request_of(tmp_path), LoadingSettings()).frames
    with pytest.raises(ValueError, match="read-only"):
        frames.images[0] = 0
    with pytest.raises(ValueError, match="read-only"):
        frames.labels[0] = 0
