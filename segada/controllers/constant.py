"""Constant controller: every step learns at the optimizer's own rate."""

from segada.controllers.base import Controller, ControllerParts, StepPlan, StepView


class Constant(Controller):
    """The default: an endless stream has no end for a schedule to reach."""

    def __init__(self, parts: ControllerParts) -> None:
        """Ignores the parts."""

    def plan(self, view: StepView) -> StepPlan:  # noqa: ARG002 - constant by definition
        """Returns the same plan for every step."""
        return StepPlan()
