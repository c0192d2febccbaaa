"""Table of the parts of a step, from measured steps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from segada.core.timer import StepTime, StepTimer
from segada.data.datasets.registry import count_frames
from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings

WARM_UP: Final = 3
"""Number of steps before the measured ones; the first steps allocate memory and choose algorithms."""
OTHER: Final = "other"
"""Name of the time of a step outside all parts."""


@dataclass(frozen=True, slots=True)
class PartTime:
    """Time of one part over all measured steps.

    Attributes:
        name: Name of the part.
        calls: Number of executions, over all steps.
        mean: Mean seconds per step.
        deviation: Standard deviation of the seconds over the steps.
        share: Share of the time of all steps, in [0, 1].
    """

    name: str
    calls: int
    mean: float
    deviation: float
    share: float


def time_steps(settings: RunSettings, steps: int) -> tuple[list[StepTime], Segmentor]:
    """Runs and measures the first steps of a stream.

    Args:
        settings: Settings of a run. Only its first visit is run, repeatedly if its frames do not suffice, and only a
            few frames are evaluated after it.
        steps: Number of measured steps, which follow `WARM_UP` unmeasured ones.

    Returns:
        Times of the measured steps, and the adapting network.

    Raises:
        ValueError: for the reasons of `segada.engine.run_data.prepare_data` and `segada.engine.runner.Run`.
        segada.engine.divergence.Diverged: if a loss is not finite.
    """
    shortened = _shortened(settings, WARM_UP + steps)
    timer = StepTimer()
    run = Run(shortened, prepare_data(shortened), timer=timer)
    run.next_visit()
    return timer.steps[WARM_UP : WARM_UP + steps], run.network


def part_times(steps: Sequence[StepTime]) -> list[PartTime]:
    """Returns a row per part, in order of execution, and the remaining time last; the means add up to a step's.

    A part that a step does not execute counts as 0 seconds.
    """
    names = dict.fromkeys(name for step in steps for name in step.parts)
    rows = [
        _row(
            name,
            [sum(step.parts.get(name, ())) for step in steps],
            sum(len(step.parts.get(name, ())) for step in steps),
        )
        for name in names
    ]
    rest = [step.total - sum(sum(each) for each in step.parts.values()) for step in steps]
    whole = whole_step(steps).mean
    return [replace(row, share=row.mean / whole) for row in (*rows, _row(OTHER, rest, len(steps)))]


def whole_step(steps: Sequence[StepTime]) -> PartTime:
    """Returns the whole steps as a row."""
    return _row("step", [step.total for step in steps], len(steps))


def _row(name: str, seconds: Sequence[float], calls: int) -> PartTime:
    return PartTime(name, calls, float(np.mean(seconds)), float(np.std(seconds)), 1.0)


def _shortened(settings: RunSettings, steps: int) -> RunSettings:
    stream, evaluation = settings.stream, settings.evaluation
    domain = stream.visits[0]
    available = count_frames(domain, settings.data, stream.split)
    # Only whole batches, so that every step has the same size.
    batches = min(steps, max(available // stream.batch_size, 1))
    drive = {
        "visits": (domain,),
        "route": "forward",
        "rounds": 1,
        "frames": batches * stream.batch_size,
        "passes": -(-steps // batches),
        "follow": None,
    }
    labelled = settings.data.domains[domain].has_labels(held_out=True)
    scored = settings.data.splits.model_copy(update={evaluation.split: evaluation.batch_size})
    return settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"splits": scored}),
            "stream": stream.model_copy(update=drive),
            "evaluation": evaluation.model_copy(update={"domains": (domain,) if labelled else ()}),
        }
    )
