"""Tests of modular training: the scores of the reward policy over ten steps, and the other policies."""

import math
from collections import Counter

import pytest
import torch

from segada.controllers.modular import MODULES, Modules
from segada.settings.hamlet import ModularSettings

LOSSES = [1.0, 0.9, 0.95, 0.7, 0.72, 0.4, 0.6, 0.55, 0.2, 0.5]
SPEEDS = (4.21, 4.83, 5.11, 5.73)


def _modules(**settings: object) -> Modules:
    modular = ModularSettings(**settings)  # type: ignore[arg-type]
    return MODULES[modular.policy](modular, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("speeds", [None, SPEEDS])
def test_scores_over_ten_steps(speeds: tuple[float, ...] | None) -> None:
    weights = [1.0] * 4
    if speeds is not None:
        powers = [math.exp(speed / 1.75) for speed in speeds]
        weights = [power / sum(powers) for power in powers]
        assert weights == pytest.approx([0.154, 0.220, 0.258, 0.368], abs=5e-4)
    modules = _modules(policy="reward", speeds=speeds)
    scores, former = [0.0] * 4, 0
    older = old = LOSSES[0]
    chosen = []
    for loss in LOSSES:
        chosen.append(max(range(4), key=lambda stage: (scores[stage], -stage)))
        assert modules.choose() == chosen[-1]
        gain = (2 * old - older) - loss
        scores = [0.9 * score for score in scores]
        scores[former] += 0.1 * gain * weights[former]
        older, old, former = old, loss, chosen[-1]
        modules.learn({"clean": 99.0, "mix": loss})
        shown = modules.watched()
        assert [shown[f"modular.score.{stage}"] for stage in range(4)] == pytest.approx(scores)
        assert shown["modular.first_stage"] == chosen[-1]
    assert len(set(chosen)) > 2


def test_a_factor_on_the_loss_scales_the_scores_and_changes_no_choice() -> None:
    modules = {factor: _modules(policy="reward") for factor in (1.0, 7.5)}
    for loss in LOSSES:
        assert modules[1.0].choose() == modules[7.5].choose()
        for factor, one in modules.items():
            one.learn({"mix": factor * loss})
    scores = {
        factor: [one.watched()[f"modular.score.{stage}"] for stage in range(4)] for factor, one in modules.items()
    }
    assert scores[7.5] == pytest.approx([7.5 * score for score in scores[1.0]])
    assert any(scores[1.0])


def test_gains_are_measured_on_the_term_that_is_named() -> None:
    modules = _modules(policy="reward", loss="entropy")
    for entropy in (1.0, 0.6):
        modules.choose()
        modules.learn({"clean": 1.0, "mix": 7.0, "entropy": entropy})
    # The loss fell by 0.4 where its trend promised nothing.
    assert modules.watched()["modular.score.0"] == pytest.approx(0.1 * 0.4)


def test_drawn_stages_come_as_often_as_they_should_and_from_the_generator_alone() -> None:
    modules = _modules(policy="random", probabilities=(1.0, 0.0, 2.0, 1.0))
    state = modules.generator.get_state()
    drawn = [modules.choose() for _ in range(400)]
    counts = Counter(drawn)
    # Six standard deviations of a count; a false alarm is rarer than one in a hundred million.
    assert counts[1] == 0
    assert abs(counts[0] - 100) < 6 * math.sqrt(400 * 0.25 * 0.75)
    assert abs(counts[2] - 200) < 6 * math.sqrt(400 * 0.5 * 0.5)
    modules.generator.set_state(state)
    assert [modules.choose() for _ in range(400)] == drawn


def test_a_fixed_stage_and_none_at_all() -> None:
    fixed, every = _modules(policy="fixed", first_stage=2), _modules(policy="none", first_stage=2)
    assert [fixed.choose() for _ in range(3)] == [2] * 3
    assert [every.choose() for _ in range(3)] == [0] * 3
    assert fixed.watched() == {"modular.first_stage": 2.0}
