"""Learn from every frame at a constant rate."""

from segada.modulation.base import Controller, StepPlan


class Always(Controller):
    """The default: adaptation has no end, so its rate has no schedule."""

    def plan(self, step: int, total: int) -> StepPlan:  # noqa: ARG002 - constant by definition
        """The same for every step."""
        return StepPlan()
