"""How the learning rate follows jumps (Hamlet, arXiv 2307.15063)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from segada.controllers.budget import Budget
from segada.controllers.component import Part, PartState
from segada.controllers.detector import Jump
from segada.settings.hamlet import RatePolicySettings


@dataclass(slots=True)
class Slope(PartState):
    """What a policy remembers.

    Attributes:
        start: The rate at the latest jump; None before the first.
        steps: That have learned since.
    """

    start: float | None = None
    steps: int = 0


class RatePolicy(Part[Slope], ABC):
    """A learning rate for the steps that learn."""

    def __init__(self, settings: RatePolicySettings, budget: Budget) -> None:
        """Starts with the optimizer's own rate.

        Args:
            settings: Its numbers.
            budget: Told of each jump before this policy is.
        """
        super().__init__(Slope())
        self.settings = settings
        self.budget = budget

    @property
    @abstractmethod
    def rate(self) -> float | None:
        """Of the next step, which the budget lets learn; None for the optimizer's own."""

    def spend(self) -> None:
        """A step learns at this rate."""
        self.memory.steps += 1


class Constant(RatePolicy):
    """The optimizer's own rate."""

    @property
    def rate(self) -> None:
        """None, always."""
        return None


class AdaptiveSlope(RatePolicy):
    """From a start that is higher the farther the domain, straight down to 0 over the budget."""

    @property
    def rate(self) -> float | None:
        """The start less its share of the budget that is spent."""
        start, account = self.memory.start, self.budget.memory
        return None if start is None else start * (1.0 - account.used / account.granted)

    def jump(self, jump: Jump) -> None:
        """A new slope; what the old one had come down to does not matter."""
        self.memory = Slope(jump.between(self.settings.near, self.settings.far))


class AdaptiveInit(RatePolicy):
    """Each jump adds to what the rate has come down to; from there straight down to 0 over a set number of steps."""

    @property
    def rate(self) -> float | None:
        """The start less its share of the set number of steps."""
        start = self.memory.start
        return None if start is None else start * (1.0 - min(self.memory.steps / self.settings.fall, 1.0))

    def jump(self, jump: Jump) -> None:
        """Adds twice `initial` per threshold, at most the ceiling."""
        added = min(2.0 * jump.size * self.settings.initial, self.settings.ceiling)
        self.memory = Slope((self.settings.initial if self.rate is None else self.rate) + added)


RATE_POLICIES: Mapping[str, Callable[[RatePolicySettings, Budget], RatePolicy]] = {
    "constant": Constant,
    "adaptive_slope": AdaptiveSlope,
    "adaptive_init": AdaptiveInit,
}
"""The policies by the name that settings use."""
