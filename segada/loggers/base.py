"""The contract of a watcher, which receives each step after its execution and writes logs or panels."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.data.frame_schedule import Step
from segada.evaluation.label_counts import Counts


@dataclass(frozen=True, slots=True)
class SeenStep:
    """One step of a visit, with its predictions and results.

    Attributes:
        visit: Number of the visit, counted from 0.
        domain: Domain of the visit.
        step: Number of the step in the stream, and indices of its frames in the domain.
        first: Number of frames of the visit before this step.
        batch: Frames of the step.
        logits: Prediction of the evaluated network before it learned from the frames, [B, K, h, w]; None if there is
            none.
        label_free: Mean over the frames of each label-free score of this prediction; empty if none is enabled.
        plan: Plan of the step.
        rates: Learning rates of the step.
        log: Scalars that the step reported.
        counts: Counts of the step's labels and predictions against ground truth.
        controller: Logged state of the controller.
    """

    visit: int
    domain: str
    step: Step
    first: int
    batch: Batch
    logits: Tensor | None
    label_free: Mapping[str, float]
    plan: StepPlan
    rates: Mapping[str, float]
    log: Mapping[str, float]
    counts: Counts
    controller: Mapping[str, float]


class Watcher(ABC):
    """A watcher of steps: the run calls `needs_prediction` before each step and `see` after it, in order.

    A repeated visit, after an interruption, must write the same output again.
    """

    def needs_prediction(self, first: int, count: int) -> bool:  # noqa: ARG002 - most need none
        """Returns True if a step of `count` frames, after `first` frames of the visit, needs `logits`."""
        return False

    @abstractmethod
    def see(self, seen: SeenStep) -> None:
        """Writes the output that is due after a step."""


def due(first: int, count: int, every: int) -> range:
    """Returns the positions in the visit of a step's frames that are multiples of `every`: 0, every, 2 every, ..."""
    return range(-(-first // every) * every, first + count, every)
