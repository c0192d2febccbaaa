"""Learn from every frame at a constant rate."""

from segada.controllers.base import Controller, ControllerParts, StepPlan, StepView


class Constant(Controller):
    """The default: adaptation has no end, so its rate has no schedule."""

    def __init__(self, parts: ControllerParts) -> None:
        """Needs none of the parts."""

    def plan(self, view: StepView) -> StepPlan:  # noqa: ARG002 - constant by definition
        """The same for every step."""
        return StepPlan()
