"""Tests of controllers with a fixed schedule, at its critical points."""

import pytest
import torch

from segada.controllers.base import Controller, ControllerParts, StepView
from segada.controllers.registry import CONTROLLERS
from segada.core.rng import torch_generator
from segada.models.build import build_segmentor
from segada.settings import RunSettings


def _controller(controller: dict[str, object]) -> Controller:
    settings = RunSettings.model_validate({"controller": controller})
    network = build_segmentor(settings.model, settings.adapter, torch_generator(0, "initialisation"))
    parts = ControllerParts(settings, lambda: network, torch_generator(0, "modulation"))
    return CONTROLLERS[settings.controller.name](parts)


def _view(step: int, total: int) -> StepView:
    return StepView(step, total, torch.zeros(1, 3, 32, 64))


def test_always_never_changes() -> None:
    controller = _controller({"name": "constant"})
    assert {controller.plan(_view(step, 50)).learning_rate_factor for step in range(50)} == {1.0}


def test_one_cycle_starts_low_peaks_at_the_warm_up_and_ends_near_zero() -> None:
    controller = _controller({"name": "one_cycle", "warm_up": 0.25})
    factors = [controller.plan(_view(step, 400)).learning_rate_factor for step in range(400)]
    assert factors[0] == pytest.approx(1 / 25)
    assert max(factors) == factors[100] == pytest.approx(1.0)
    assert factors[-1] < 1e-4
    assert factors[:101] == sorted(factors[:101])
    assert factors[100:] == sorted(factors[100:], reverse=True)


def test_poly_falls_as_the_power_of_what_is_left_and_is_held_down_at_first() -> None:
    controller = _controller({"name": "poly", "power": 0.9, "warm_up": 0.1, "start": 0.01, "least": 0.05})
    factors = [controller.plan(_view(step, 200)).learning_rate_factor for step in range(200)]
    for step, factor in enumerate(factors):
        # mmcv's: the rate falls from the first step on, and the warm-up is a factor on what it has fallen to.
        regular = 0.95 * (1 - step / 200) ** 0.9 + 0.05
        held = 1 - (1 - step / 20) * (1 - 0.01) if step < 20 else 1.0
        assert factor == pytest.approx(regular * held)


def test_poly_without_a_warm_up_starts_at_the_top_in_a_straight_line() -> None:
    controller = _controller({"name": "poly", "warm_up": 0.0})
    factors = [controller.plan(_view(step, 4)).learning_rate_factor for step in range(4)]
    assert factors == [1.0, 0.75, 0.5, 0.25]
