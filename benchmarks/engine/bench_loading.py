"""Measures how fast frames come from files, from the cache and from memory, in wall time."""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from segada.data.batch import to_batch
from segada.data.datasets.domain_frames import DomainFrames
from segada.data.datasets.registry import open_domain
from segada.data.frames import Frames
from segada.data.splits import Split
from segada.data.synthetic.streets import render_scenes
from segada.errors import InputError
from segada.settings.data import DataSettings
from segada.settings.loading import LoadingSettings

SIZE: Final = (512, 1024)
"""Height and width of the generated frames."""
SCENES: Final = 12
"""Number of rendered scenes; each is used a second time, mirrored."""
BATCH: Final = 4
WORKERS: Final = (0, 1, 2)
FORMATS: Final[dict[str, list[int]]] = {"png": [], "jpg": [cv2.IMWRITE_JPEG_QUALITY, 95]}
"""Image formats of the generated frames, with the encoder's parameters."""


@dataclass(frozen=True, slots=True)
class Timed:
    """Times of one way of loading frames.

    Attributes:
        way: Description of the way.
        frames: Number of frames.
        seconds: Wall time of each repeat.
    """

    way: str
    frames: int
    seconds: list[float] = field(default_factory=list)


def time_loading(name: str, data: DataSettings, split: Split, repeats: int) -> list[Timed]:
    """Loads a domain's frames in every way, in turn, once as warm-up and then once per repeat.

    After the warm-up all files are in the system's page cache: only building a cache, which ends with a
    synchronization, waits for the disk.

    Args:
        name: Name of a recorded domain.
        data: Settings of the data.
        split: Split of the frames.
        repeats: Number of repeats, at least 1.

    Returns:
        The ways in order; the first, the reference of the others, is decoding without workers.

    Raises:
        InputError: if files are missing or not as expected, no frame can be read, or nothing can be cached.
    """
    timed: dict[str, Timed] = {}
    for repeat in range(repeats + 1):
        with tempfile.TemporaryDirectory(prefix="segada-bench-") as cache:
            for way, frames, seconds in _each_way(name, data, split, Path(cache)):
                if repeat:
                    timed.setdefault(way, Timed(way, frames)).seconds.append(seconds)
    return list(timed.values())


def _each_way(name: str, data: DataSettings, split: Split, cache: Path) -> Iterator[tuple[str, int, float]]:
    def opened(workers: int, folder: Path | None = cache, check: bool = True) -> tuple[DomainFrames, float]:
        loading = LoadingSettings(cache=None if folder is None else str(folder), workers=workers, check=check)
        begun = time.perf_counter()
        domain = open_domain(name, data.model_copy(update={"loading": loading}), split)
        return domain, time.perf_counter() - begun

    for workers in WORKERS:
        decoded, seconds = opened(workers, None)
        if not len(decoded):
            raise InputError(f"domain {name!r} has no frame for {split!r} that can be read")
        yield f"decode, {_workers(workers)}", len(decoded), seconds
    built, seconds = opened(WORKERS[-1])
    if not built.mapped:
        raise InputError(f"domain {name!r} is not cached in {cache}; choose a recorded one, and a larger TMPDIR")
    yield f"build, {_workers(WORKERS[-1])}", len(built), seconds
    for workers in WORKERS:
        mapped, seconds = opened(workers)
        yield f"open, {_workers(workers)}", len(mapped), seconds
    mapped, seconds = opened(0, check=False)
    yield "open unchecked", len(mapped), seconds
    yield "batches, mapped", len(mapped), _batches(mapped.load())
    yield "batches, in memory", len(decoded), _batches(decoded.load())


def _batches(frames: Frames) -> float:
    begun = time.perf_counter()
    for start in range(0, len(frames), BATCH):
        to_batch(frames, np.arange(start, min(start + BATCH, len(frames))))
    return time.perf_counter() - begun


def _workers(count: int) -> str:
    return "1 worker" if count == 1 else f"{count} workers"


def write_streets(folder: Path) -> DataSettings:
    """Renders streets and writes them into an existing folder, one domain per image format."""
    scenes = render_scenes(0, range(SCENES), SIZE)
    images = np.concatenate([scenes.images, scenes.images[:, :, ::-1]])
    labels = np.concatenate([scenes.labels, scenes.labels[:, :, ::-1]])
    for name in (*FORMATS, "labels"):
        (folder / name).mkdir()
    for number, (image, ids) in enumerate(zip(images, labels, strict=True)):
        for ending, told in FORMATS.items():
            _write(folder / ending / f"{number}.{ending}", cv2.imencode(f".{ending}", image[..., ::-1], told)[1])
        _write(folder / "labels" / f"{number}.png", cv2.imencode(".png", ids)[1])
    domains = {
        ending: {
            "dataset": "folders",
            "images": f"{ending}/*.{ending}",
            "labels": "labels/*.png",
            "shares": (1, 0, 0, 0),
        }
        for ending in FORMATS
    }
    settings = {"size": SIZE, "root": str(folder), "domains": domains, "splits": {"source": len(images)}}
    return DataSettings.model_validate(settings)


def _write(path: Path, encoded: npt.NDArray[np.uint8]) -> None:
    path.write_bytes(encoded.tobytes())
