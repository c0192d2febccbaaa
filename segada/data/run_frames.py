"""The frames that a run reads: its domains and splits, and whether they fit into memory."""

from collections.abc import Sequence
from typing import Final, TypeAlias

from segada.data.cache.memory_left import physical_memory
from segada.data.datasets.registry import count_frames, is_cached
from segada.data.frame_schedule import FrameSchedule
from segada.data.splits import Split
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.stream import StreamSettings

Place: TypeAlias = tuple[str, Split]
"""Name of a domain, and a split of it."""

BYTES_PER_PIXEL: Final = 4
"""Bytes per pixel of a decoded frame: three channels and the label."""


def read_places(settings: RunSettings) -> tuple[Place, ...]:
    """Returns the domains and splits that a run reads, each once: visited, source, evaluated."""
    stream = settings.stream
    places: list[Place] = [(name, stream.split) for name in planned_visits(stream)]
    places += [(name, "source") for name in (stream.source,) if name is not None]
    places += [(name, settings.evaluation.split) for name in settings.scored_domains()]
    return tuple(dict.fromkeys(places))


def planned_visits(stream: StreamSettings) -> tuple[str, ...]:
    """Returns the domains of all visits whose frames are there when the run begins: none if the stream is followed."""
    return stream.all_visits() if stream.follow is None else ()


def check_scored(settings: RunSettings, labelled: Sequence[str]) -> list[InputError]:
    """Returns an error about each visited domain without labels, and about each scored one whose held-out frames have
    no labelled pixel; a run does not score them.

    Args:
        settings: Settings of the run.
        labelled: Scored domains with a labelled pixel.

    Raises:
        InputError: No domain has one, though some have label files.
    """
    split, scored = settings.evaluation.split, settings.scored_domains()
    blank = [name for name in scored if name not in labelled]
    path = ("data", "domains")
    if blank and not labelled:
        raise InputError(
            f"no labelled pixel is in the held-out frames ({split}) of {', '.join(blank)}, so that nothing can be "
            "scored; check the labels, or name a domain with labels in evaluation.domains",
            (*path, blank[0]),
        )
    text = f"none of its held-out frames ({split}) has a labelled pixel: nothing is scored there"
    without = "has no labels: it is adapted to, and nothing is scored there"
    unlabelled = [InputError(f"domain {name!r} {without}", (*path, name)) for name in settings.unlabelled()]
    return [*unlabelled, *(InputError(f"domain {name!r}: {text}", (*path, name)) for name in blank)]


def check_counts(settings: RunSettings) -> None:
    """Checks that the frames of a run are there and fit into the memory of this machine; reads none.

    Raises:
        InputError: Files are missing or not as expected, a split is empty, or the frames exceed the memory.
    """
    data, split = settings.data, settings.evaluation.split
    lengths = {name: count_frames(name, data, settings.stream.split) for name in planned_visits(settings.stream)}
    schedule = FrameSchedule(settings.stream, lengths)
    source = settings.stream.source
    counts = [] if source is None else [(source, count_frames(source, data, "source"))]
    counts += [(name, count_frames(name, data, split)) for name in settings.scored_domains()]
    counts += [(name, len(schedule.needed(name))) for name in lengths]
    frames = sum(count for name, count in counts if not is_cached(name, data))
    (height, width), memory = data.size, physical_memory()
    needed = frames * height * width * BYTES_PER_PIXEL
    if needed > memory:
        raise InputError(
            f"data.size is {height} x {width}, at which the {frames} frames of the run take {needed / 2**30:.0f} GiB, "
            f"but this machine has {memory / 2**30:.0f} GiB of memory; choose a smaller size, fewer frames in "
            "data.splits, or, for recorded frames, a folder in data.loading.cache",
            ("data", "size"),
        )
