"""Controllers: the plan at the places where it can be wrong."""

import pytest

from segada.modulation.table import CONTROLLERS
from segada.settings.modulation import AlwaysSettings, OneCycleSettings


def test_always_never_changes() -> None:
    controller = CONTROLLERS["always"](AlwaysSettings())
    assert {controller.plan(step, 50).learning_rate_factor for step in range(50)} == {1.0}


def test_one_cycle_starts_low_peaks_at_the_warm_up_and_ends_near_zero() -> None:
    controller = CONTROLLERS["one_cycle"](OneCycleSettings(name="one_cycle", warm_up=0.25))
    factors = [controller.plan(step, 400).learning_rate_factor for step in range(400)]
    assert factors[0] == pytest.approx(1 / 25)
    assert max(factors) == factors[100] == pytest.approx(1.0)
    assert factors[-1] < 1e-4
    assert factors[:101] == sorted(factors[:101])
    assert factors[100:] == sorted(factors[100:], reverse=True)
