"""The contract of a watcher: it sees each step after it was made, and writes what people look at."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from segada.controllers.base import StepPlan
from segada.data.batch import Batch
from segada.data.frame_schedule import Step


@dataclass(frozen=True, slots=True)
class SeenStep:
    """One step of a visit.

    Attributes:
        visit: Counted from 0.
        domain: Of the visit.
        step: Its number in the stream, and those of its frames in the domain.
        first: Frames that the visit had passed before this step.
        batch: The frames.
        logits: What the scored network said of them before it learned from them, [B, 19, h, w]; None if it was not
            asked.
        label_free: Mean of its frames for each label-free score of that; empty if they were not asked for.
        plan: How the step was to learn.
        rates: At which rates it learned.
        log: What it reported.
        controller: What the controller watches.
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
    controller: Mapping[str, float]


class Watcher(ABC):
    """The stream asks `needs_prediction` before each step and calls `see` after it, in order.

    Whatever it writes of a visit is the same when a visit that was broken off is made again.
    """

    def needs_prediction(self, first: int, count: int) -> bool:  # noqa: ARG002 - most need none
        """Whether `logits` must be there for a step of `count` frames, `first` of the visit being behind it."""
        return False

    @abstractmethod
    def see(self, seen: SeenStep) -> None:
        """Writes what is due."""


def due(first: int, count: int, every: int) -> range:
    """Places in the visit of those frames of a step whose place is a multiple of `every`: 0, every, 2 every, ..."""
    return range(-(-first // every) * every, first + count, every)
