"""Contract of every controller. A new controller adds one line to `CONTROLLER_SETTINGS`."""

import dataclasses
import io
import math
from collections.abc import Callable
from typing import Any, get_args

import pytest
import torch

from segada.controllers.base import Controller, ControllerParts, StepPlan, StepView
from segada.controllers.registry import CONTROLLERS
from segada.core.rng import torch_generator
from segada.models.build import build_segmentor
from segada.models.learning import source_copy
from segada.settings import RunSettings
from segada.settings.adapter import NoAdapter
from segada.settings.controller import ControllerSettings
from segada.settings.model import ModelSettings

JUMPY = {"signal": "full", "window": 5, "threshold": 0.2, "near": 4.5, "far": 9.0}
"""For networks and frames of chance, so that there is a jump every few steps."""

CONTROLLER_SETTINGS: dict[str, dict[str, object]] = {
    "constant": {"name": "constant"},
    "one_cycle": {"name": "one_cycle"},
    "poly": {"name": "poly", "warm_up": 0.25},
    "hamlet": {"name": "hamlet", "detector": JUMPY, "budget": {"steps": 1, "cap": 2}},
    "hamlet with all its parts": {
        "name": "hamlet",
        "detector": {**JUMPY, "signal": "light"},
        "budget": {"steps": 4, "cap": 3, "before_first_jump": "wait"},
        "learning_rate": {"policy": "adaptive_slope", "keeps_head_factor": False},
        "mix": {"policy": "dynamic"},
        "modular": {"policy": "reward", "speeds": [4.21, 4.83, 5.11, 5.73], "head": "projections"},
    },
    "hamlet without a budget": {
        "name": "hamlet",
        "detector": JUMPY,
        "budget": {"policy": "none"},
        "learning_rate": {"policy": "adaptive_init", "fall": 3},
        "modular": {"policy": "random"},
    },
    "hamlet without a detector": {
        "name": "hamlet",
        "detector": {"signal": "none"},
        "budget": {"policy": "none"},
        "modular": {"policy": "fixed", "first_stage": 2},
    },
}
STEPS = 16


Build = Callable[[str], tuple[Controller, ControllerParts]]


@pytest.fixture(scope="module")
def build() -> Build:
    model = ModelSettings(head="multi_exit", checkpoint="streets_tiny_multi_exit")
    # One for all: no controller changes its static model.
    static = source_copy(build_segmentor(model, NoAdapter(), torch_generator(0, "initialisation")))

    def built(name: str) -> tuple[Controller, ControllerParts]:
        sections = {"controller": CONTROLLER_SETTINGS[name], "model": model.model_dump()}
        parts = ControllerParts(RunSettings.model_validate(sections), lambda: static, torch_generator(0, "modulation"))
        return CONTROLLERS[parts.settings.controller.name](parts), parts

    return built


@pytest.fixture(params=CONTROLLER_SETTINGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def _view(number: int) -> StepView:
    generator = torch.Generator().manual_seed(number)
    images = torch.rand((3, 3, 32, 64), generator=generator) * (0.2 + 0.05 * number)
    return StepView(number, STEPS, images, torch.randn((3, 19, 8, 16), generator=generator))


def _drive(controller: Controller, first: int, end: int) -> list[tuple[StepPlan, dict[str, float]]]:
    """Returns plans and logged quantities for step logs like a method's."""
    steps = []
    for number in range(first, end):
        plan = controller.plan(_view(number))
        controller.observe({"clean": 1.0, "mix": 2.0 + math.sin(number)} if plan.trains else {})
        steps.append((plan, controller.watched()))
    return steps


def test_the_table_holds_exactly_what_the_settings_name() -> None:
    union, _ = get_args(ControllerSettings)
    names = {get_args(kind.model_fields["name"].annotation)[0] for kind in get_args(union)}
    assert set(CONTROLLERS) == names
    assert {str(settings["name"]) for settings in CONTROLLER_SETTINGS.values()} == names


def test_plans_are_determined_by_the_parts_and_the_views(name: str, build: Build) -> None:
    assert _drive(build(name)[0], 0, STEPS) == _drive(build(name)[0], 0, STEPS)


@pytest.mark.parametrize("stop", [1, 5, 8, 11])
def test_state_goes_on_to_the_same_plans(name: str, stop: int, build: Build) -> None:
    controller, parts = build(name)
    _drive(controller, 0, stop)
    saved = _through_file({"controller": controller.state_dict(), "generator": parts.generator.get_state()})
    wanted = _drive(controller, stop, STEPS)

    resumed, resumed_parts = build(name)
    resumed_parts.generator.set_state(saved["generator"])
    resumed.load_state_dict(saved["controller"])
    assert _drive(resumed, stop, STEPS) == wanted


def test_plans_are_ones_that_a_method_can_follow(name: str, build: Build) -> None:
    for plan, watched in _drive(build(name)[0], 0, STEPS):
        assert 0 <= plan.first_stage <= 3
        assert plan.learning_rate_factor >= 0.0
        assert plan.learning_rate is None or plan.learning_rate >= 0.0
        assert plan.mix_ratio is None or 0.0 <= plan.mix_ratio <= 1.0
        assert all(isinstance(value, float) and math.isfinite(value) for value in watched.values())


def test_a_step_that_reported_nothing_changes_no_plan(name: str, build: Build) -> None:
    controller, _ = build(name)
    for number in range(STEPS):
        before = controller.state_dict()
        controller.observe({})
        assert controller.state_dict() == before
        assert dataclasses.asdict(controller.plan(_view(number)))


def test_controllers_that_react_do(name: str, build: Build) -> None:
    plans = [plan for plan, _ in _drive(build(name)[0], 0, STEPS)]
    constant = {"constant", "hamlet without a detector"}
    assert (len(set(plans)) == 1) == (name in constant)
    assert any(not plan.trains for plan in plans) == (name in {"hamlet", "hamlet with all its parts"})


def _through_file(state: dict[str, Any]) -> dict[str, Any]:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    buffer.seek(0)
    loaded: dict[str, Any] = torch.load(buffer, weights_only=True)
    return loaded
