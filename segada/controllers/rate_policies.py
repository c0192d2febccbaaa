"""Learning-rate policies that react to jumps (Hamlet, arXiv 2307.15063)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from segada.controllers.budget import Budget
from segada.controllers.component import Part, PartState
from segada.controllers.detector import Jump
from segada.settings.hamlet import RatePolicySettings


@dataclass(slots=True)
class Slope(PartState):
    """State of a policy.

    Attributes:
        start: Rate at the latest jump; None before the first.
        steps: Number of learning steps since the latest jump.
    """

    start: float | None = None
    steps: int = 0


class RatePolicy(Part[Slope], ABC):
    """A learning rate for learning steps."""

    def __init__(self, settings: RatePolicySettings, budget: Budget) -> None:
        """Starts with the optimizer's own rate.

        Args:
            settings: Settings of the policy.
            budget: Budget, which receives each jump before this policy does.
        """
        super().__init__(Slope())
        self.settings = settings
        self.budget = budget

    @property
    @abstractmethod
    def rate(self) -> float | None:
        """Rate of the next learning step; None for the optimizer's own."""

    def spend(self) -> None:
        """Counts a step that learns at this rate."""
        self.memory.steps += 1


class Constant(RatePolicy):
    """The optimizer's own rate."""

    @property
    def rate(self) -> None:
        """None for every step."""
        return None


class AdaptiveSlope(RatePolicy):
    """Starts higher for farther domains and falls linearly to 0 over the budget."""

    @property
    def rate(self) -> float | None:
        """Start minus the spent share of the budget."""
        start, account = self.memory.start, self.budget.memory
        return None if start is None else start * (1.0 - account.used / account.granted)

    def jump(self, jump: Jump) -> None:
        """Starts a new slope, independent of the previous rate."""
        self.memory = Slope(jump.between(self.settings.near, self.settings.far))


class AdaptiveInit(RatePolicy):
    """Adds to the rate at each jump, then falls linearly to 0 over a fixed number of steps."""

    @property
    def rate(self) -> float | None:
        """Start minus the elapsed share of the fixed number of steps."""
        start = self.memory.start
        return None if start is None else start * (1.0 - min(self.memory.steps / self.settings.fall, 1.0))

    def jump(self, jump: Jump) -> None:
        """Adds twice `initial` per threshold to the rate; neither this nor the new rate exceeds the ceiling."""
        ceiling, initial = self.settings.ceiling, self.settings.initial
        added = min(2.0 * jump.size * initial, ceiling)
        self.memory = Slope(min(added + (initial if self.rate is None else self.rate), ceiling))


RATE_POLICIES: Mapping[str, Callable[[RatePolicySettings, Budget], RatePolicy]] = {
    "constant": Constant,
    "adaptive_slope": AdaptiveSlope,
    "adaptive_init": AdaptiveInit,
}
"""Table of the policies by their names in settings."""
