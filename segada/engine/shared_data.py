"""Material on its way to other processes: frames in memory travel with it, those of the cache are opened on arrival.

The map of a file would be pickled as a copy of all its bytes. But the file is there for every process of a machine, and
a machine that lacks it makes it.
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
"""In the place of source frames that a file holds."""


@dataclass(frozen=True, slots=True)
class SharedRunData:
    """Material without the frames that a file holds.

    Attributes:
        settings: That it was prepared from.
        material: What travels.
        left: How many frames a domain has that do not, by domain and purpose.
    """

    settings: RunSettings
    material: RunData
    left: dict[tuple[str, Split], int]

    def unpacked(self) -> RunData:
        """The material; what is missing is opened here, or decoded if this machine's cache does not have it yet.

        Raises:
            InputError: the files of a data set are not here, or are others than where the material was prepared.
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
    """The material that was prepared from these settings, ready to travel."""
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
