"""Budget of learning steps that a jump grants (Hamlet, arXiv 2307.15063); learning pauses when it is spent."""

from dataclasses import dataclass

from segada.controllers.component import Part, PartState
from segada.controllers.detector import Jump
from segada.settings.hamlet import BudgetSettings


@dataclass(slots=True)
class BudgetState(PartState):
    """State of a budget.

    Attributes:
        jumped: True after the first jump.
        granted: Number of steps granted at the latest jump.
        used: Number of learning steps since the latest jump, or since the start.
    """

    jumped: bool = False
    granted: int = 0
    used: int = 0


class Budget(Part[BudgetState]):
    """Number of steps that may still learn; unlimited if the policy is `none`."""

    def __init__(self, settings: BudgetSettings) -> None:
        super().__init__(BudgetState())
        self._settings = settings

    @property
    def open(self) -> bool:
        """True if the next step may learn."""
        if self._settings.policy == "none":
            return True
        if not self.memory.jumped:
            return self._settings.before_first_jump == "train"
        return self.left > 0

    @property
    def left(self) -> int:
        """Number of unspent steps of the latest grant."""
        return max(self.memory.granted - self.memory.used, 0)

    def spend(self) -> None:
        """Counts a learning step; steps before the first jump do not reduce a later grant."""
        self.memory.used += 1

    def jump(self, jump: Jump) -> None:
        """Grants steps, fewer for a jump back to source: in proportion to the jump's size and in addition to unspent
        ones, or the same number for every jump.
        """
        settings = self._settings
        factor = jump.between(settings.back_near, settings.back_far) if jump.direction < 0 else 1.0
        if settings.policy == "fixed":
            self.memory = BudgetState(jumped=True, granted=int(settings.steps * factor))
            return
        bought = int(jump.size * settings.steps * factor)
        self.memory = BudgetState(jumped=True, granted=min(bought + self.left, settings.cap))

    def watched(self) -> dict[str, float]:
        """Returns the number of steps left, after a jump has set a limit."""
        limited = self._settings.policy != "none" and self.memory.jumped
        return {"budget.left": float(self.left)} if limited else {}
