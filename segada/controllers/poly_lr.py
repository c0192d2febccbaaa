"""Polynomial decay with a warm-up (Chen et al. 2017, arXiv 1606.00915): the schedule of most segmentation recipes."""

from segada.controllers.base import Controller, ControllerParts, StepPlan, StepView
from segada.settings.controller import PolySettings


class Poly(Controller):
    """Schedule for pre-training, whose length is known."""

    def __init__(self, parts: ControllerParts) -> None:
        settings = parts.settings.controller
        assert isinstance(settings, PolySettings)
        self._settings = settings

    def plan(self, view: StepView) -> StepPlan:
        """Returns a factor that decays from the first step on, multiplied by the warm-up's factor."""
        settings = self._settings
        place = view.number / view.total
        fallen = settings.least + (1.0 - settings.least) * (1.0 - place) ** settings.power
        warmth = 1.0 if place >= settings.warm_up else place / settings.warm_up
        return StepPlan(fallen * (settings.start + (1.0 - settings.start) * warmth))
