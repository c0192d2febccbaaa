"""Contract of every controller."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import torch

from segada.controllers.base import Controller, ControllerParts, StepPlan, StepView
from segada.controllers.registry import CONTROLLERS
from segada.core.named_code import named
from segada.core.rng import torch_generator
from segada.models.build import build_segmentor
from segada.models.learning import source_copy
from segada.models.segmentor import Segmentor
from segada.settings import RunSettings
from segada.settings.adapter import NoAdapter
from segada.settings.nested import Tree
from segada.testing.findings import Checks, require
from segada.testing.methods import through_file

STEPS: Final = 16
"""Number of steps that a controller is driven for."""
STOPS: Final = (1, 5, 8, 11)
"""Steps after which a controller is stopped."""
MODEL: Final[Tree] = {"head": "multi_exit", "checkpoint": "streets_tiny_multi_exit"}


@dataclass(frozen=True)
class ControllerCase:
    """A controller with its settings."""

    settings: RunSettings

    @classmethod
    def of(cls, name: str, values: Tree) -> "ControllerCase":
        """Returns a case with a network that has a light exit."""
        return cls(RunSettings.model_validate({"controller": {"name": name, **values}, "model": MODEL}))

    def build(self) -> tuple[Controller, ControllerParts]:
        """Builds the controller, the same each time."""
        parts = ControllerParts(self.settings, _static_model, torch_generator(0, "modulation"))
        return named(CONTROLLERS, self.settings.controller.name)(parts), parts


@cache
def _static_model() -> Segmentor:
    """Returns one model for all, since no controller changes it."""
    model = RunSettings.model_validate({"model": MODEL}).model
    return source_copy(build_segmentor(model, NoAdapter(), torch_generator(0, "initialisation")))


def view(number: int) -> StepView:
    """Returns the input of a step; images grow brighter from step to step."""
    generator = torch.Generator().manual_seed(number)
    images = torch.rand((3, 3, 32, 64), generator=generator) * (0.2 + 0.05 * number)
    return StepView(number, STEPS, images, torch.randn((3, 19, 8, 16), generator=generator))


def drive(controller: Controller, first: int, end: int) -> list[tuple[StepPlan, Mapping[str, float]]]:
    """Returns plans and logged quantities for step logs like a method's."""
    steps: list[tuple[StepPlan, Mapping[str, float]]] = []
    for number in range(first, end):
        plan = controller.plan(view(number))
        controller.observe({"clean": 1.0, "mix": 2.0 + math.sin(number)} if plan.trains else {})
        steps.append((plan, controller.watched()))
    return steps


def _determined(case: ControllerCase) -> None:
    first, second = drive(case.build()[0], 0, STEPS), drive(case.build()[0], 0, STEPS)
    require(first == second, "two controllers of the same parts plan differently for the same steps")


def _state_goes_on(case: ControllerCase) -> None:
    for stop in STOPS:
        controller, parts = case.build()
        drive(controller, 0, stop)
        saved = through_file({"controller": controller.state_dict(), "generator": parts.generator.get_state()})
        wanted = drive(controller, stop, STEPS)
        resumed, resumed_parts = case.build()
        resumed_parts.generator.set_state(saved["generator"])
        resumed.load_state_dict(saved["controller"])
        problem = f"stopped after {stop} steps and restored, it plans differently; state_dict leaves something out"
        require(drive(resumed, stop, STEPS) == wanted, problem)


def _can_be_followed(case: ControllerCase) -> None:
    for plan, watched in drive(case.build()[0], 0, STEPS):
        require(0 <= plan.first_stage <= 3, f"first_stage is {plan.first_stage}, not 0 to 3")
        require(plan.learning_rate_factor >= 0.0, f"learning_rate_factor is {plan.learning_rate_factor}, below 0")
        rate, ratio = plan.learning_rate, plan.mix_ratio
        require(rate is None or rate >= 0.0, f"learning_rate is {rate}, below 0")
        require(ratio is None or 0.0 <= ratio <= 1.0, f"mix_ratio is {ratio}, not from 0 to 1")
        for name, value in watched.items():
            is_number = isinstance(value, float) and math.isfinite(value)
            require(is_number, f"watched reports {name} as {value!r}, not as a finite float")


def _nothing_reported(case: ControllerCase) -> None:
    controller, _ = case.build()
    for number in range(STEPS):
        before = controller.state_dict()
        controller.observe({})
        require(controller.state_dict() == before, "observe of an empty log changes the state")
        controller.plan(view(number))


CONTROLLER_CHECKS: Final[Checks[ControllerCase]] = {
    "plans are determined by the parts and the views": _determined,
    "a controller that loads a saved state goes on to the same plans": _state_goes_on,
    "plans are ones that a method can follow, and what is watched is finite": _can_be_followed,
    "a step that reported nothing changes no plan": _nothing_reported,
}
