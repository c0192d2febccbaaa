"""Tests of the reactions to a jump: budget, learning rate and class-mix, each against its formula."""

import numpy as np
import pytest

from segada.controllers.budget import Budget
from segada.controllers.detector import Jump
from segada.controllers.dynamic_mix import DynamicMix
from segada.controllers.rate_policies import RATE_POLICIES, RatePolicy
from segada.settings.hamlet import BudgetSettings, MixPolicySettings, RatePolicySettings

HAMLET_BUDGET = BudgetSettings(steps=750, cap=4450, before_first_jump="wait")
HAMLET_RATES = {"near": 1.5e-5, "far": 6e-5, "initial": 1.5e-5, "ceiling": 1e-3, "fall": 750}


def _jump(before: float, after: float) -> Jump:
    """Returns a jump of the signal, with Hamlet's threshold of 0.23 and its 0.8 and 2.55 for near and far."""
    depth = float(np.interp(after, [0.8, 2.55], [0.0, 1.0]))
    return Jump(abs(after - before) / 0.23, 1 if after > before else -1, depth)


def _spend(budget: Budget, steps: int) -> int:
    """Returns how many of the given number of steps the budget lets learn."""
    learned = 0
    for _ in range(steps):
        if budget.open:
            budget.spend()
            learned += 1
    return learned


def test_budget_and_what_is_carried_over_through_several_jumps() -> None:
    budget = Budget(HAMLET_BUDGET)
    granted, done = 0, 0
    drive = [(0.8, 1.2, 300), (1.2, 2.0, 5000), (2.0, 2.9, 1000), (2.9, 1.1, 10), (1.1, 0.7, 3), (0.7, 4.0, 0)]
    for before, after, steps in drive:
        factor = float(np.interp(after, [0.8, 2.55], [0.25, 0.75])) if after < before else 1.0
        granted = min(int(abs(after - before) / 0.23 * 750 * factor) + max(granted - done, 0), 4450)
        done = min(steps, granted)
        budget.jump(_jump(before, after))
        assert budget.left == granted
        assert _spend(budget, steps) == done
        assert budget.left == granted - done
        assert budget.watched() == {"budget.left": granted - done}
    assert budget.left == 4450


def test_before_the_first_jump_a_budget_waits_or_trains_and_carries_nothing_over() -> None:
    waits, trains = Budget(HAMLET_BUDGET), Budget(BudgetSettings(steps=10, cap=99, before_first_jump="train"))
    assert _spend(waits, 5) == 0
    assert _spend(trains, 5) == 5
    trains.jump(Jump(1.5, 1, 0.0))
    assert _spend(trains, 50) == 15


def test_without_a_budget_every_step_learns() -> None:
    budget = Budget(BudgetSettings(policy="none", steps=1, cap=1, before_first_jump="wait"))
    assert _spend(budget, 5) == 5
    budget.jump(Jump(1.5, 1, 0.0))
    assert _spend(budget, 5) == 5
    assert budget.watched() == {}


def _rates(policy: RatePolicy, steps: int) -> list[float | None]:
    """Returns the rates of the steps that the budget lets learn."""
    found = []
    for _ in range(steps):
        if policy.budget.open:
            found.append(policy.rate)
            policy.budget.spend()
            policy.spend()
    return found


def _policy(name: str, budget: BudgetSettings) -> RatePolicy:
    settings = RatePolicySettings(policy=name, **HAMLET_RATES)  # type: ignore[arg-type]
    return RATE_POLICIES[name](settings, Budget(budget))


def _after(policy: RatePolicy, jump: Jump) -> RatePolicy:
    policy.budget.jump(jump)
    policy.jump(jump)
    return policy


@pytest.mark.parametrize("name", RATE_POLICIES)
def test_until_the_first_jump_the_rate_is_the_optimizers(name: str) -> None:
    assert _rates(_policy(name, BudgetSettings()), 3) == [None] * 3


def test_the_constant_rate_is_always_the_optimizers() -> None:
    policy = _after(_policy("constant", BudgetSettings(steps=3, cap=9)), Jump(2.0, 1, 1.0))
    assert _rates(policy, 20) == [None] * 6


def test_the_adaptive_slope_falls_from_its_start_to_nothing_over_the_budget() -> None:
    policy = _policy("adaptive_slope", BudgetSettings(steps=10, cap=30))
    for before, after, steps in ((0.8, 1.3, 8), (1.3, 2.9, 100), (2.9, 0.9, 100)):
        _after(policy, _jump(before, after))
        granted = policy.budget.left
        start = float(np.interp(after, [0.8, 2.55], [1.5e-5, 6e-5]))
        wanted = [start * (granted - step) / granted for step in range(min(steps, granted))]
        assert _rates(policy, steps) == pytest.approx(wanted)


def test_the_adaptive_init_adds_to_what_is_left_of_the_rate_and_falls_over_a_set_number_of_steps() -> None:
    policy = _policy("adaptive_init", BudgetSettings(policy="none"))
    rate = 1.5e-5
    for size, steps in ((2.0, 300), (1.2, 900), (50.0, 10)):
        start = min(rate + min(2 * size * 1.5e-5, 1e-3), 1e-3)
        wanted = [start * max(1 - step / 750, 0.0) for step in range(steps)]
        rate = start * max(1 - steps / 750, 0.0)
        assert _rates(_after(policy, Jump(size, 1, 0.5)), steps) == pytest.approx(wanted)
    assert wanted[0] == pytest.approx(1e-3)


def test_the_rate_never_exceeds_the_ceiling() -> None:
    policy = _policy("adaptive_init", BudgetSettings(policy="none"))
    for _ in range(3):
        _after(policy, Jump(40.0, 1, 1.0))
        assert policy.rate == 1e-3


def test_a_fixed_budget_is_the_same_after_every_jump_and_smaller_on_the_way_back() -> None:
    budget = Budget(BudgetSettings(policy="fixed", steps=20, cap=3))
    assert budget.open
    for size in (1.0, 5.0):
        budget.jump(Jump(size, 1, 1.0))
        assert budget.left == 20
        budget.spend()
    budget.jump(Jump(5.0, -1, 0.0))
    assert budget.left == int(20 * 0.25)
    budget.jump(Jump(5.0, -1, 1.0))
    assert budget.left == int(20 * 0.75)
    assert _spend(budget, 40) == 15


@pytest.mark.parametrize("value", [0.2, 0.8, 1.3, 2.0, 2.55, 5.0])
def test_the_dynamic_mix_pastes_fewer_source_classes_the_farther_the_domain(value: float) -> None:
    mix = DynamicMix(MixPolicySettings(policy="dynamic"))
    assert mix.memory.ratio is None
    assert mix.watched() == {}
    mix.jump(_jump(value - 0.5, value))
    wanted = 1.0 - float(np.interp(value, [0.8, 2.55], [0.5, 0.75]))
    assert mix.memory.ratio == pytest.approx(wanted)
    assert mix.watched() == {"mix.ratio": mix.memory.ratio}


def test_a_constant_mix_is_left_to_the_method() -> None:
    mix = DynamicMix(MixPolicySettings(policy="constant"))
    mix.jump(Jump(2.0, 1, 1.0))
    assert mix.memory.ratio is None
