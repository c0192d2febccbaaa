"""Data of a run for transfer to other processes: arrays in memory are sent, cached files are opened by the receiver.

Pickling a memory-mapped file would copy all its bytes. Every process of a machine can open the file itself, and a
machine without it creates it.
"""

from dataclasses import dataclass, replace

from segada.data.cache.cache_entry import is_mapped
from segada.data.datasets.registry import open_domain
from segada.data.frames import NO_FRAMES, Frames
from segada.data.splits import Split
from segada.engine.run_data import RunData
from segada.errors import InputError
from segada.settings import RunSettings


@dataclass(frozen=True, slots=True)
class SharedRunData:
    """Data of a run without the frames that a cache file holds.

    Attributes:
        settings: Settings that the data were prepared from.
        run_data: Data that are sent.
        left: Number of frames that are not sent, by domain and split.
    """

    settings: RunSettings
    run_data: RunData
    left: dict[tuple[str, Split], int]

    def unpacked(self) -> RunData:
        """Returns the complete data; missing frames are opened here, or decoded if this machine has no cache of them.

        Raises:
            InputError: if a data set's files are missing here, or differ from those where the data were prepared.
        """
        opened = {place: self._opened(*place, count) for place, count in self.left.items()}
        stream, scored, run_data = self.settings.stream, self.settings.evaluation.split, self.run_data
        return replace(
            run_data,
            source=run_data.source if stream.source is None else opened.get((stream.source, "source"), run_data.source),
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
    """Returns the data prepared from these settings in the form that is sent."""
    stream, scored = settings.stream, settings.evaluation.split
    places: list[tuple[str, Split, Frames]] = []
    places += [(name, "source", run_data.source) for name in (stream.source,) if name is not None]
    places += [(name, stream.split, frames) for name, frames in run_data.visited.items()]
    places += [(name, scored, frames) for name, frames in run_data.held_out.items()]
    left = {(name, split): len(frames) for name, split, frames in places if is_mapped(frames)}
    source = NO_FRAMES if is_mapped(run_data.source) else run_data.source
    visited, held_out = _in_memory(run_data.visited), _in_memory(run_data.held_out)
    return SharedRunData(settings, replace(run_data, source=source, visited=visited, held_out=held_out), left)


def _in_memory(frames: dict[str, Frames]) -> dict[str, Frames]:
    return {name: some for name, some in frames.items() if not is_mapped(some)}
