"""Tests of what the tree-structured Parzen estimator learns from pruned trials."""

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState, create_trial
from pydantic import TypeAdapter

from hpo.samplers.history import RUNG
from hpo.samplers.optuna_sampler import OptunaPointSampler
from hpo.samplers.tpe import TpeSettings
from hpo.search_space import Space
from hpo.search_space.kinds import Parameter

SPACE = Space(
    TypeAdapter(dict[str, Parameter]).validate_python(
        {"rate": {"type": "float", "low": 0.0, "high": 1.0}, "kind": {"type": "choice", "choices": ["a", "b"]}}
    )
)


def proposals(sampler: optuna.samplers.BaseSampler, goal: str, intermediate: str) -> list[dict[str, object]]:
    """Proposals after twenty pruned trials and a complete one.

    Args:
        sampler: sampler of the study.
        goal: direction of its objective.
        intermediate: which of two numbers are the intermediate values, those of the pruner or those of the objective.
    """
    generator = np.random.default_rng(0)
    study = optuna.create_study(direction=goal, sampler=sampler)
    for number in range(21):
        judged, objective = generator.random(2)
        value = {"judged": judged if goal == "maximize" else -judged, "objective": objective}[intermediate]
        state = TrialState.PRUNED if number else TrialState.COMPLETE
        study.add_trial(
            create_trial(
                params=SPACE.draw_raw(generator),
                distributions=SPACE.distributions(),
                state=state,
                values=None if number else [0.5],
                intermediate_values={2: value},
                system_attrs={RUNG.format(visits=2): [-judged]},
            )
        )
    asked = [study.ask() for _ in range(3)]
    return [dict(SPACE.suggest(trial).values) for trial in asked]


@pytest.mark.parametrize("goal", ["maximize", "minimize"])
def test_pruned_trials_count_by_the_value_that_pruned_them(goal: str) -> None:
    settings = TpeSettings(name="tpe", seed=3, n_startup_trials=1)
    stock = OptunaPointSampler(SPACE, 3, settings._tpe)
    expected = proposals(stock, goal, "judged")
    assert proposals(settings.build(SPACE, 100), goal, "objective") == expected
    assert proposals(stock, goal, "objective") != expected
