"""The budget of steps that a jump buys (Hamlet, arXiv 2307.15063): learning pauses when it is spent."""

from dataclasses import dataclass

from segada.controllers.component import Part, PartState
from segada.controllers.detector import Jump
from segada.settings.hamlet import BudgetSettings


@dataclass(slots=True)
class BudgetState(PartState):
    """What a budget remembers.

    Attributes:
        jumped: Whether there was a jump.
        granted: Steps that could be spent after the latest jump.
        used: Those of them that were.
    """

    jumped: bool = False
    granted: int = 0
    used: int = 0


class Budget(Part[BudgetState]):
    """Steps that may be spent; without a limit if its policy is `none`."""

    def __init__(self, settings: BudgetSettings) -> None:
        super().__init__(BudgetState())
        self._settings = settings

    @property
    def open(self) -> bool:
        """Whether the next step may learn."""
        if self._settings.policy == "none":
            return True
        if not self.memory.jumped:
            return self._settings.before_first_jump == "train"
        return self.left > 0

    @property
    def left(self) -> int:
        """Steps that are left of what the latest jump gave."""
        return max(self.memory.granted - self.memory.used, 0)

    def spend(self) -> None:
        """A step learns; what is spent before the first jump counts for nothing."""
        self.memory.used += 1

    def jump(self, jump: Jump) -> None:
        """Grants steps in proportion to the size of the jump, fewer for one back home, and what was left over."""
        settings = self._settings
        factor = jump.between(settings.back_near, settings.back_far) if jump.direction < 0 else 1.0
        bought = int(jump.size * settings.steps * factor)
        self.memory = BudgetState(jumped=True, granted=min(bought + self.left, settings.cap))

    def watched(self) -> dict[str, float]:
        """Steps left, once a jump has set a limit."""
        limited = self._settings.policy != "none" and self.memory.jumped
        return {"budget.left": float(self.left)} if limited else {}
