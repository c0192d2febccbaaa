"""Contract of every controller. A new controller adds one line to `CONTROLLER_SETTINGS`."""

import pytest
from kind_names import names_of

from segada.controllers.registry import CONTROLLERS
from segada.settings.controller import ControllerSettings
from segada.settings.nested import Tree
from segada.testing.controllers import CONTROLLER_CHECKS, STEPS, ControllerCase, drive
from segada.testing.findings import assert_holds

JUMPY: Tree = {"signal": "full", "window": 5, "threshold": 0.2, "near": 4.5, "far": 9.0}
"""For networks and frames of chance, so that there is a jump every few steps."""

CONTROLLER_SETTINGS: dict[str, Tree] = {
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
    "hamlet with a fixed budget": {
        "name": "hamlet",
        "detector": JUMPY,
        "budget": {"policy": "fixed", "steps": 2},
        "learning_rate": {"policy": "adaptive_init", "fall": 3},
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


@pytest.fixture(params=CONTROLLER_SETTINGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def case(name: str) -> ControllerCase:
    settings = CONTROLLER_SETTINGS[name]
    return ControllerCase.of(str(settings["name"]), settings)


def test_the_table_holds_exactly_what_the_settings_name() -> None:
    assert set(CONTROLLERS) == names_of(ControllerSettings)
    assert {settings["name"] for settings in CONTROLLER_SETTINGS.values()} == set(CONTROLLERS)


@pytest.mark.parametrize("promise", CONTROLLER_CHECKS)
def test_it_keeps_the_promise(case: ControllerCase, promise: str) -> None:
    assert_holds(CONTROLLER_CHECKS, promise, case)


def test_controllers_that_react_do(name: str, case: ControllerCase) -> None:
    plans = [plan for plan, _ in drive(case.build()[0], 0, STEPS)]
    constant = {"constant", "hamlet without a detector"}
    assert (len(set(plans)) == 1) == (name in constant)
    assert any(not plan.trains for plan in plans) == (
        name in {"hamlet", "hamlet with all its parts", "hamlet with a fixed budget"}
    )
