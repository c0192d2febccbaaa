"""GPU memory of one run, including evaluation and the memory that CUDA needs per process."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import torch

from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.models.networks.registry import WHOLE
from segada.settings import RunSettings

Memory: TypeAlias = Callable[[], tuple[int, int]]
"""Returns free and total bytes of the device."""
STEPS = 3
"""Number of adaptation steps: the second runs with the optimizer's moments, a third covers late growth."""


@dataclass(frozen=True, slots=True)
class Footprint:
    """GPU memory of a run that has the device to itself.

    Attributes:
        used: Bytes that are not free after the run; memory of other processes on the device is included.
        total: Bytes of the device.
    """

    used: int
    total: int


def footprint(settings: RunSettings, memory: Memory = torch.cuda.mem_get_info) -> Footprint:
    """Measures the memory in use after a few adaptation steps and an evaluation batch of every domain.

    torch's allocator keeps the memory that it once reserved, so the memory in use at the end is the peak. Weights do
    not matter: random ones are used, since a study's source model may not be trained yet.

    Args:
        settings: Settings of the run; no file is written.
        memory: Returns free and total bytes of the device.

    Raises:
        ValueError: for the reasons listed at `segada.engine.run_data.prepare_data`.
    """
    short = _short(settings)
    run = Run(short, prepare_data(short))
    run.next_visit()
    free, total = memory()
    return Footprint(total - free, total)


def _short(settings: RunSettings) -> RunSettings:
    """Returns settings with the same memory need per step and as few frames as possible."""
    stream, scored = settings.stream, settings.evaluation.batch_size
    seen = STEPS * stream.batch_size
    limits = settings.data.splits.model_dump()
    wanted = {"source": stream.batch_size, "adapt": seen, "val": scored, "test": scored}
    # The weights of a folder that a network is named by need not fit before its source model is trained.
    random = () if settings.model.network is None else (WHOLE,)
    # A stream that visits the split it learns from passes over source frames.
    wanted[stream.split] = seen
    splits = {split: min(limits[split], count) for split, count in wanted.items()}
    return settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"splits": settings.data.splits.model_copy(update=splits)}),
            "stream": stream.model_copy(
                update={"frames": min(seen, splits[stream.split]), "passes": 1, "follow": None}
            ),
            "model": settings.model.model_copy(update={"checkpoint": None, "reinitialize": random}),
        }
    ).without_logging()
