"""Data of a run for transfer to other processes: arrays in memory are sent, cached files are opened by the receiver.

Pickling a memory-mapped file would copy all its bytes. Every process of a machine can open the file itself, and a
machine without it creates it.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from segada.data.cache.cache_entry import is_mapped
from segada.data.datasets.registry import open_domain
from segada.data.frames import Frames
from segada.data.splits import Split
from segada.engine.run_data import RunData
from segada.errors import InputError
from segada.settings import RunSettings

NOTHING: Final = Frames(np.empty((0, 1, 1, 3), np.uint8), np.empty((0, 1, 1), np.uint8))
"""Placeholder for source frames that a cache file holds."""


@dataclass(frozen=True, slots=True)
class SharedRunData:
    """Data of a run without the frames that a cache file holds.

    Attributes:
        settings: Settings that the data were prepared from.
        material: Data that are sent.
        left: Number of frames that are not sent, by domain and split.
    """

    settings: RunSettings
    material: RunData
    left: dict[tuple[str, Split], int]

    def unpacked(self) -> RunData:
        """Returns the complete data; missing frames are opened here, or decoded if this machine has no cache of them.

        Raises:
            InputError: if a data set's files are missing here, or differ from those where the data were prepared.
        """
        opened = {place: self._opened(*place, count) for place, count in self.left.items()}
        stream, scored, material = self.settings.stream, self.settings.evaluation.split, self.material
        return replace(
            material,
            source=opened.get((stream.source, "source"), material.source),
            visited={name: opened.get((name, stream.split)) or material.visited[name] for name in material.lengths},
            held_out={name: opened.get((name, scored)) or material.held_out[name] for name in material.source_only},
        )

    def _opened(self, name: str, split: Split, count: int) -> Frames:
        frames = open_domain(name, self.settings.data, split).load()
        if len(frames) != count:
            raise InputError(
                f"domain {name!r} has {len(frames)} frames for {split!r} that can be read, and had {count} when the "
                "source model was scored on it; leave its files as they are while runs share them"
            )
        return frames


def packed(material: RunData, settings: RunSettings) -> SharedRunData:
    """Returns the data prepared from these settings in the form that is sent."""
    stream, scored = settings.stream, settings.evaluation.split
    places: list[tuple[str, Split, Frames]] = [(stream.source, "source", material.source)]
    places += [(name, stream.split, frames) for name, frames in material.visited.items()]
    places += [(name, scored, frames) for name, frames in material.held_out.items()]
    left = {(name, split): len(frames) for name, split, frames in places if is_mapped(frames)}
    source = NOTHING if is_mapped(material.source) else material.source
    visited, held_out = _in_memory(material.visited), _in_memory(material.held_out)
    return SharedRunData(settings, replace(material, source=source, visited=visited, held_out=held_out), left)


def _in_memory(frames: dict[str, Frames]) -> dict[str, Frames]:
    return {name: some for name, some in frames.items() if not is_mapped(some)}
