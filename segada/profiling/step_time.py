"""Where a step's time goes: the table of parts, from steps that a stopwatch has measured."""

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
"""Steps before those that count: the first ones allocate memory and choose algorithms."""
OTHER: Final = "other"
"""What is left of a step when all its parts are taken away."""


@dataclass(frozen=True, slots=True)
class PartTime:
    """One part over all measured steps.

    Attributes:
        name: Of the part.
        calls: Times that it was done, over all steps.
        mean: Seconds per step.
        deviation: Standard deviation of these over the steps.
        share: Of the time of all steps, in [0, 1].
    """

    name: str
    calls: int
    mean: float
    deviation: float
    share: float


def time_steps(settings: RunSettings, steps: int) -> tuple[list[StepTime], Segmentor]:
    """Runs the first steps of a stream.

    Args:
        settings: Of a run. Only its first visit is driven, again and again if its frames do not suffice, and only a few
            frames are scored after it.
        steps: That are measured, after `WARM_UP` more.

    Returns:
        The measured steps, and the adapting network.

    Raises:
        ValueError: as `segada.engine.run_data.prepare_data` and `segada.engine.runner.Run`.
        segada.engine.runner.Diverged: a loss is not finite.
    """
    shortened = _shortened(settings, WARM_UP + steps)
    timer = StepTimer()
    run = Run(shortened, prepare_data(shortened), timer=timer)
    run.next_visit()
    return timer.steps[WARM_UP : WARM_UP + steps], run.network


def part_times(steps: Sequence[StepTime]) -> list[PartTime]:
    """A row per part in the order in which they are done, and the rest of the steps last; the means add up to a step's.

    A step that leaves a part out counts as 0 seconds of it.
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
    """The steps themselves as a row."""
    return _row("step", [step.total for step in steps], len(steps))


def _row(name: str, seconds: Sequence[float], calls: int) -> PartTime:
    return PartTime(name, calls, float(np.mean(seconds)), float(np.std(seconds)), 1.0)


def _shortened(settings: RunSettings, steps: int) -> RunSettings:
    stream, evaluation = settings.stream, settings.evaluation
    domain = stream.visits[0]
    available = count_frames(domain, settings.data, stream.split)
    # Whole batches only, so that every step is of the same size.
    batches = min(steps, max(available // stream.batch_size, 1))
    drive = {
        "visits": (domain,),
        "route": "forward",
        "rounds": 1,
        "frames": batches * stream.batch_size,
        "passes": -(-steps // batches),
    }
    scored = settings.data.splits.model_copy(update={evaluation.split: evaluation.batch_size})
    return settings.model_copy(
        update={
            "data": settings.data.model_copy(update={"splits": scored}),
            "stream": stream.model_copy(update=drive),
            "evaluation": evaluation.model_copy(update={"domains": (domain,)}),
        }
    )
