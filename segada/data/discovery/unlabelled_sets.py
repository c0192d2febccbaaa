"""Targets without labels: folders of images alone, and video files."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from segada.data.discovery.file_groups import FileGroup, read_tree
from segada.data.discovery.recognized import Recognized, domain_settings
from segada.data.discovery.tree_domains import LEAST_FRAMES

VIDEOS: Final = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm")
"""Suffixes of video files."""


def unlabelled_sets(path: Path) -> list[Recognized]:
    """Returns the images of a folder or the frames of its videos, or of one video file, as a domain without labels."""
    values = _video(path) if path.is_file() else _images(path) or _videos(path)
    if not values:
        return []
    root = path.parent if path.is_file() else path
    domain, name = domain_settings(values), path.resolve().stem
    notes = (f"domain {name} has no labels: it is adapted to and not scored", *_left_out(path, values))
    return [Recognized(domain.dataset, root, {name: domain}, notes=notes, has_labels=False)]


def _left_out(folder: Path, used: Mapping[str, object]) -> list[str]:
    """Returns a sentence about the videos of a folder that are not in the domain; none if all are."""
    videos = [] if folder.is_file() else sorted(path for path in folder.rglob("*") if _is_video(path))
    rest = [
        path
        for path in videos
        if path.parent != folder or not fnmatch(path.name.lower(), str(used.get("file", "")).lower())
    ]
    if not rest:
        return []
    return [f"{len(rest)} videos are left out, the first of which is {rest[0]}; name such files or their folders, too"]


def _is_video(path: Path) -> bool:
    return path.suffix.lower() in VIDEOS and path.is_file()


def _video(path: Path) -> dict[str, object]:
    return {"dataset": "video", "file": path.name} if _is_video(path) else {}


def _videos(folder: Path) -> dict[str, object]:
    """Returns the settings of the videos of the commonest kind directly in a folder."""
    suffixes = [path.suffix.lower() for path in folder.iterdir() if _is_video(path)]
    return {"dataset": "video", "file": f"*{max(sorted(set(suffixes)), key=suffixes.count)}"} if suffixes else {}


def _images(folder: Path) -> dict[str, object]:
    """Returns the settings of all images below a folder, whichever suffixes they have."""
    groups = [group for group in read_tree(folder).groups if group.nature == "image"]
    if sum(len(group.files) for group in groups) < LEAST_FRAMES:
        return {}
    return {"dataset": "folders", "images": _pattern(groups), "labels": None}


def _pattern(groups: Sequence[FileGroup]) -> str:
    endings, folders = {group.ending for group in groups}, {group.folder for group in groups}
    above = "/".join((*folders.pop(), "")) if len(folders) == 1 else "**/"
    return f"{above}*.{endings.pop() if len(endings) == 1 else '*'}"
