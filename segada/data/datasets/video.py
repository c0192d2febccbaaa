"""Frames of video files, which have no labels."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Final

from segada.data.datasets.division import shared_out
from segada.data.datasets.found_files import found, passed_over
from segada.data.datasets.frame_files import FrameFiles, Layout, Listing
from segada.data.datasets.label_maps import NoIds
from segada.data.datasets.left_out import LeftOut
from segada.data.datasets.video_file import Video, VideoFrame
from segada.data.datasets.video_index import VideoIndex, read_index
from segada.data.frames import WrongSetting
from segada.data.splits import Split
from segada.settings.file_pattern import key_wildcards
from segada.settings.video import VideoDomain

DIGITS: Final = 6
"""Digits of the number of a frame in its key."""


def _listing(domain: VideoDomain, root: Path, split: Split) -> Listing:
    """Lists the frames of a split: blocks of all videos in the order of their names, whose borders are moved to the end
    of a video near them."""
    paths, left_out = _files(domain, root)
    frames = {files.name: files for key, path in paths.items() for files in _frames(key, path, domain)}
    keys = shared_out(list(frames), domain.shares, domain.gap)[split]
    if not keys and dict(zip(("source", "adapt", "val", "test"), domain.shares, strict=True))[split] > 0.0:
        raise WrongSetting(
            f"{', '.join(map(str, paths.values()))} has {len(frames)} frames at this rate, too few to divide by "
            "shares; take more of them (frames_per_second), lower gap, or give all to one split: shares: [0, 1, 0, 0]",
            *("frames_per_second", "file"),
        )
    return Listing(tuple(frames[key] for key in keys), left_out=left_out)


def _files(domain: VideoDomain, root: Path) -> tuple[dict[str, Path], LeftOut]:
    """Returns the files by key, and what is left out of their folders."""
    if key_wildcards(domain.file):
        there = found(root, domain.file)
        return there.some(), passed_over([there])
    path = root / domain.file
    if not path.is_file():
        raise WrongSetting(f"there is no file {path}", "file", "root")
    return {path.stem: path}, {}


def _frames(key: str, path: Path, domain: VideoDomain) -> list[FrameFiles]:
    index = read_index(path)
    video = _video(index, domain.frames_per_second)
    return [
        FrameFiles(f"{key}/{number:0{DIGITS}}", path, None, NoIds(), moment=VideoFrame(video, number))
        for number in index.at_rate(domain.frames_per_second)
    ]


@lru_cache(maxsize=16)
def _video(index: VideoIndex, rate: float | None) -> Video:
    """Returns the decoder of a video, the same for all splits."""
    return Video(index, index.at_rate(rate))


def _recognize(_root: Path) -> Mapping[str, Mapping[str, object]]:
    """Returns nothing, since a film in a folder need not be a data set."""
    return {}


VIDEO: Final = Layout(
    name="video",
    expects="video files that fit file (MP4, Matroska, WebM, AVI and what else FFmpeg reads)",
    example="${SEGADA_DATA:-/data}",
    listing=_listing,
    recognize=_recognize,
)
