"""The controller's contract: before each step, how to learn from it."""

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StepPlan:
    """How one step learns.

    Attributes:
        learning_rate_factor: Multiplies every learning rate of the method's optimiser; at least 0.
    """

    learning_rate_factor: float = 1.0


class Controller(ABC):
    """Plans the steps of a stream. A controller is a function of the step's place in the stream."""

    @abstractmethod
    def plan(self, step: int, total: int) -> StepPlan:
        """The plan of a step, counted from 0 over the whole stream of `total` steps."""
