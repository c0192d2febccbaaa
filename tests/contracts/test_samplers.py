"""What every sampler must do. A new one is a line in the table SAMPLERS and a line in CASES."""

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from pydantic import TypeAdapter

from hpo.config.study_file import load_study
from hpo.samplers.base import StudySampler
from hpo.samplers.history import ATTEMPTS, PASSING
from hpo.samplers.registry import SAMPLERS
from hpo.search_space import Space
from hpo.search_space.kinds import Parameter
from hpo.search_space.size import cardinality
from hpo.study.study import open_study
from hpo.testing.samplers import DISCRETE, SAMPLER_CHECKS, SPACE, SamplerCase, assert_valid, score, searched
from segada.errors import InputError
from segada.settings.nested import Tree
from segada.testing.findings import assert_holds

CASES: dict[str, Tree] = {
    "auto": {},
    "genetic": {"population_size": 4},
    "tpe": {"n_startup_trials": 4},
    "cmaes": {},
    "gp": {"n_startup_trials": 18},
    "nsga2": {"population_size": 4},
    "nsga3": {"population_size": 4},
    "qmc": {},
    "random": {},
    "grid": {"levels": 3},
}

pytestmark = pytest.mark.parametrize("name", SAMPLERS)


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def case_of(name: str) -> SamplerCase:
    return SamplerCase.of(name, CASES[name])


def study_of(name: str, journal: Path | None = None, space: Space = SPACE) -> optuna.Study:
    return case_of(name).study(journal=journal, space=space)


@pytest.mark.rounding
@pytest.mark.parametrize("sentence", SAMPLER_CHECKS)
def test_what_is_promised_holds(name: str, sentence: str) -> None:
    if (name, sentence) != ("grid", "every configuration of a small space comes once, and then the sampler says so"):
        assert_holds(SAMPLER_CHECKS, sentence, case_of(name))


def test_table_and_cases_list_the_same_samplers(name: str) -> None:
    assert set(CASES) == set(SAMPLERS)
    assert case_of(name).built(0).model_dump()["name"] == name


def test_a_trial_without_a_number_is_no_obstacle(name: str) -> None:
    study = study_of(name)
    for value in (0.1, float("nan"), None, 0.3, float("nan"), 0.2, None, 0.1):
        trial = study.ask()
        SPACE.suggest(trial)
        if value is None or np.isnan(value):
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, value)
    assert_valid(searched(study, 1)[0])


def test_trials_of_another_sampler_are_a_warm_start(name: str) -> None:
    other = next(each for each in SAMPLERS if each != name)
    former = study_of(other)
    searched(former, 10)
    study = study_of(name)
    study.add_trials(former.get_trials())
    for configuration in searched(study, 8):
        assert_valid(configuration)


def test_a_trial_may_be_late(name: str) -> None:
    study = study_of(name)
    late = study.ask()
    configuration = SPACE.suggest(late)
    others = searched(study, 14)
    study.tell(late, 100.0)
    assert configuration not in others
    assert_valid(searched(study, 1)[0])
    assert study.best_trial.number == late.number


def test_a_trial_that_was_interrupted_while_it_was_asked_for_is_what_was_proposed(name: str, tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    for journal in (whole, torn):
        searched(study_of(name, journal=journal), 14)
    proposed = SPACE.suggest(study_of(name, journal=whole).ask())
    cut = study_of(name, journal=torn).ask()
    cut.suggest_float("rate", 1e-4, 1e-1, log=True)
    later = study_of(name, journal=torn)
    searched(later, 3)
    assert SPACE.suggest(optuna.Trial(later, cut._trial_id)) == proposed


def test_limits_that_are_exceeded_are_no_obstacle(name: str) -> None:
    study = study_of(name)
    for _ in range(20):
        trial = study.ask()
        configuration = SPACE.suggest(trial)
        share = configuration.values["share"]
        assert isinstance(share, float)
        trial.set_constraint("share at most 0.5", share - 0.5)
        study.tell(trial, score(configuration))
    assert study.trials[-1].constraints


def test_a_space_without_a_new_point_repeats_one(name: str) -> None:
    small = Space(
        TypeAdapter(dict[str, Parameter]).validate_python({"a": {"type": "choice", "choices": ["p", "q", "r", "s"]}})
    )
    study = study_of(name, space=small)
    seen = []
    for _ in range(6):
        trial = study.ask()
        seen.append(small.suggest(trial).values["a"])
        study.tell(trial, float(trial.number))
    assert sorted(map(str, seen[:4])) == ["p", "q", "r", "s"]
    assert set(seen[4:]) <= {"p", "q", "r", "s"}


def test_every_configuration_of_a_discrete_space_comes_once_and_then_the_sampler_says_so(name: str) -> None:
    study = study_of(name, space=DISCRETE)
    assert cardinality(DISCRETE) == (53, True)
    sampler, seen, running = study.sampler, [], []
    assert isinstance(sampler, StudySampler)
    while sampler.used_up(study) is None:
        trial = study.ask()
        seen.append(DISCRETE.suggest(trial).hash)
        running.append(trial)
        if len(running) == 3:
            # Pruned trials have used their configuration, and so have failed and running ones.
            states = [TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL]
            for one, state in zip(running, states, strict=True):
                study.tell(one, float(one.number) if state == TrialState.COMPLETE else None, state)
            running = []
    # The ends of a grid of three levels leave out one of the four shares, which is forbidden, or one that is not.
    assert len(set(seen)) == len(seen) == sampler.used_up(study).configurations  # type: ignore[union-attr]
    assert len(seen) == 53 or name == "grid"


def test_a_space_with_a_continuous_parameter_is_never_used_up(name: str) -> None:
    study = study_of(name)
    searched(study, 6)
    assert isinstance(study.sampler, StudySampler)
    assert study.sampler.used_up(study) is None


def test_a_configuration_that_failed_for_a_passing_reason_comes_again_but_not_for_ever(name: str) -> None:
    small = Space(TypeAdapter(dict[str, Parameter]).validate_python({"a": {"type": "choice", "choices": ["p", "q"]}}))
    study = study_of(name, space=small)
    sampler, seen = study.sampler, []
    assert isinstance(sampler, StudySampler)
    while sampler.used_up(study) is None:
        trial = study.ask()
        seen.append(small.suggest(trial).values["a"])
        if seen[-1] == "p":
            study._storage.set_trial_system_attr(trial._trial_id, PASSING, value=True)
        study.tell(trial, state=TrialState.FAIL)
    assert sorted(map(str, seen)) == ["p"] * ATTEMPTS + ["q"]


STUDY = """\
name: kept
run: {{stream: {{visits: [clear, 25mm]}}, evaluation: {{split: val}}}}
space:
  method.pseudo_threshold: {{type: float, low: 0.5, high: {high}, default: 0.6}}
sampler: {{name: {name}}}
"""


def test_a_changed_space_is_refused_with_the_difference(name: str, tmp_path: Path) -> None:
    file = tmp_path / "kept.yaml"
    file.write_text(STUDY.format(name=name, high=0.9))
    study = open_study(load_study(str(file)), tmp_path / "out")
    proposals = [study.ask() for _ in range(2)]
    file.write_text(STUDY.format(name=name, high=0.8))
    with pytest.raises(InputError, match=r"space.method.pseudo_threshold.high is 0\.9 there and 0\.8 in the file"):
        open_study(load_study(str(file)), tmp_path / "out")
    assert all(proposal is not None for proposal in proposals)
