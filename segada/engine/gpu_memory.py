"""How much of a GPU's memory one run takes, evaluation and what CUDA itself needs in a process included."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch

from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.settings import RunSettings

Memory: TypeAlias = Callable[[], tuple[int, int]]
"""Bytes that are free on the device now, and bytes that it has."""
STEPS = 3
"""Of adaptation: the second begins with the optimizer's moments, and one more for what grows late."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """Of a run, alone on a device.

    Attributes:
        used: Bytes that are not free after it; what others have on the device counts as the run's.
        total: Bytes that the device has.
    """

    used: int
    total: int


def footprint(settings: RunSettings, memory: Memory = torch.cuda.mem_get_info) -> Footprint:
    """Adapts for a few steps, scores a batch of every domain, and looks at what is taken then.

    torch's allocator keeps what it has once asked for, so that what is taken at the end is the most there was. Weights
    play no part: random ones are taken, since a study's source model may not be trained yet.

    Args:
        settings: Of the run; nothing is written.
        memory: Asks the device.

    Raises:
        ValueError: as of `segada.engine.run_data.prepare_data`.
    """
    short = _short(settings)
    run = Run(short, prepare_data(short))
    run.next_visit()
    free, total = memory()
    return Footprint(total - free, total)


def _short(settings: RunSettings) -> RunSettings:
    """The same at every step, with as few frames as do."""
    stream, scored = settings.stream, settings.evaluation.batch_size
    seen = STEPS * stream.batch_size
    limits = settings.data.splits.model_dump()
    wanted = {"source": stream.batch_size, "adapt": seen, "val": scored, "test": scored}
    # A stream that visits what it learns from passes over frames of the source.
    wanted[stream.split] = seen
    splits = {split: min(limits[split], count) for split, count in wanted.items()}
    return settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"splits": settings.data.splits.model_copy(update=splits)}),
            "stream": stream.model_copy(update={"frames": min(seen, splits[stream.split]), "passes": 1}),
            "model": settings.model.model_copy(update={"checkpoint": None, "reinitialize": ()}),
        }
    ).without_logging()
