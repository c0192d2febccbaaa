"""Data of a run for other processes: frames in memory travel with it, those of the cache are opened on arrival.

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
    """Data of a run without the frames that a file holds.

    Attributes:
        settings: That it was prepared from.
        run_data: Data that travel.
        left: How many frames a domain has that do not, by domain and purpose.
    """

    settings: RunSettings
    run_data: RunData
    left: dict[tuple[str, Split], int]

    def unpacked(self) -> RunData:
        """The data; what is missing is opened here, or decoded if this machine's cache does not have it yet.

        Raises:
            InputError: the files of a data set are not here, or are others than where the data were prepared.
        """
        opened = {place: self._opened(*place, count) for place, count in self.left.items()}
        stream, scored, run_data = self.settings.stream, self.settings.evaluation.split, self.run_data
        return replace(
            run_data,
            source=opened.get((stream.source, "source"), run_data.source),
            visited={name: opened.get((name, stream.split)) or run_data.visited[name] for name in run_data.lengths},
            held_out={name: opened.get((name, scored)) or run_data.held_out[name] for name in run_data.source_only},
        )

    def _opened(self, name: str, split: Split, count: int) -> Frames:
        frames = open_domain(name, self.settings.data, split).load()
        if len(frames) != count:
            raise InputError(
                f"domain {name!r} has {len(frames)} frames for {split!r} that can be read, and had {count} when the "
                "source model was scored on it; leave its files as they are while runs share them"
            )
        return frames


def packed(run_data: RunData, settings: RunSettings) -> SharedRunData:
    """Returns the data that were prepared from these settings, ready to travel."""
    stream, scored = settings.stream, settings.evaluation.split
    places: list[tuple[str, Split, Frames]] = [(stream.source, "source", run_data.source)]
    places += [(name, stream.split, frames) for name, frames in run_data.visited.items()]
    places += [(name, scored, frames) for name, frames in run_data.held_out.items()]
    left = {(name, split): len(frames) for name, split, frames in places if is_mapped(frames)}
    source = NOTHING if is_mapped(run_data.source) else run_data.source
    visited, held_out = _in_memory(run_data.visited), _in_memory(run_data.held_out)
    return SharedRunData(settings, replace(run_data, source=source, visited=visited, held_out=held_out), left)


def _in_memory(frames: dict[str, Frames]) -> dict[str, Frames]:
    return {name: some for name, some in frames.items() if not is_mapped(some)}
