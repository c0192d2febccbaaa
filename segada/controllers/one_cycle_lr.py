"""One-cycle schedule: the rate rises, then falls to zero (Smith and Topin 2018, arXiv 1708.07120)."""

import math

from segada.controllers.base import Controller, ControllerParts, StepPlan, StepView
from segada.settings.controller import OneCycleSettings

START = 1 / 25
"""Factor of the rate at the first step."""


class OneCycle(Controller):
    """Schedule for pre-training, whose length is known; both branches are half cosines."""

    def __init__(self, parts: ControllerParts) -> None:
        settings = parts.settings.controller
        assert isinstance(settings, OneCycleSettings)
        self._warm_up = settings.warm_up

    def plan(self, view: StepView) -> StepPlan:
        """Returns a factor that rises from 1/25 to 1 over the warm-up, then falls to 0 at the stream's end."""
        place = view.number / view.total
        if place < self._warm_up:
            return StepPlan(_half_cosine(START, 1.0, place / self._warm_up))
        return StepPlan(_half_cosine(1.0, 0.0, (place - self._warm_up) / (1.0 - self._warm_up)))


def _half_cosine(first: float, last: float, place: float) -> float:
    return last + (first - last) * (1.0 + math.cos(math.pi * place)) / 2.0
