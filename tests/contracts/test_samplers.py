"""What every sampler must do. A new one is a line in the table SAMPLERS and a line in CASES."""

import random
from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState
from pydantic import TypeAdapter

from hpo.config.study_file import load_study
from hpo.samplers.base import SamplerSettings, StudySampler
from hpo.samplers.history import ATTEMPTS, PASSING
from hpo.samplers.registry import SAMPLERS
from hpo.search_space import Space
from hpo.search_space.conditions import Clauses
from hpo.search_space.configuration import Configuration
from hpo.search_space.kinds import Parameter
from hpo.search_space.size import cardinality
from hpo.study.study import open_study
from segada.errors import InputError

CASES: dict[str, dict[str, object]] = {
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

TRIALS = 30
"""The budget of the studies here."""

SPACE = Space(
    TypeAdapter(dict[str, Parameter]).validate_python(
        {
            "rate": {"type": "float", "low": 1e-4, "high": 1e-1, "log": True},
            "share": {"type": "float", "low": 0.0, "high": 1.0, "step": 0.25},
            "width": {"type": "int", "low": 4, "high": 64, "log": True, "when": {"kind": ["a", "b"]}},
            "kind": {"type": "choice", "choices": ["none", "a", "b"]},
            "places": {"type": "subset", "of": [0, 1, 2, 3], "min_size": 1, "max_size": 3, "when": {"kind": "a"}},
            "deep": {"type": "bool", "when": {"kind": "a"}},
            "weight": {"type": "float", "low": 0.01, "high": 1.0, "log": True, "off": 0.0},
            "patterns": {"type": "each", "of": "places", "choices": ["all", "last"]},
            "reach": {"type": "int", "low": 1, "high": 9, "when": [{"weight": {"above": 0.0}}, {"kind": "b"}]},
        }
    )
)

pytestmark = pytest.mark.parametrize("name", SAMPLERS)


@pytest.fixture(autouse=True)
def quiet() -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)


def settings_of(name: str, seed: int = 0) -> SamplerSettings:
    return SAMPLERS[name].model_validate({"name": name, "seed": seed, **CASES[name]})


def study_of(
    name: str, seed: int = 0, journal: Path | None = None, objectives: int = 1, space: Space = SPACE
) -> optuna.Study:
    return optuna.create_study(
        storage=None if journal is None else JournalStorage(JournalFileBackend(str(journal))),
        study_name="contract",
        load_if_exists=True,
        sampler=settings_of(name, seed).build(space, TRIALS),
        directions=["maximize", "minimize"][:objectives],
    )


def score(configuration: Configuration) -> float:
    values = configuration.values
    rate, share = values["rate"], values["share"]
    assert isinstance(rate, float)
    assert isinstance(share, float)
    return -((np.log10(rate) + 2.5) ** 2) - share + (values["kind"] == "a")


def run(study: optuna.Study, trials: int) -> list[Configuration]:
    """A search in which now and then a trial fails or is pruned."""
    configurations = []
    for _ in range(trials):
        trial = study.ask()
        configuration = SPACE.suggest(trial)
        configurations.append(configuration)
        if trial.number % 5 == 3:
            study.tell(trial, state=TrialState.FAIL)
        elif trial.number % 5 == 4:
            trial.report(score(configuration), 1)
            study.tell(trial, state=TrialState.PRUNED)
        else:
            study.tell(trial, [score(configuration), 0.5][: len(study.directions)])
    return configurations


def assert_valid(configuration: Configuration) -> None:
    raw = SPACE.encode(configuration.values)
    assert SPACE.is_complete(raw)
    assert SPACE.configuration(raw) == configuration
    assert all(SPACE.parameters[path].has(value) for path, value in configuration.values.items())


def test_table_and_cases_list_the_same_samplers(name: str) -> None:
    assert set(CASES) == set(SAMPLERS)
    assert settings_of(name).model_dump()["name"] == name


def test_every_proposal_respects_bounds_and_conditions(name: str) -> None:
    for configuration in run(study_of(name), 30):
        assert_valid(configuration)


@pytest.mark.rounding
def test_no_proposal_is_forbidden_and_none_is_spent_on_rejection(name: str) -> None:
    clauses = TypeAdapter(list[Clauses]).validate_python(
        [{"kind": ["a", "b"], "weight": {"above": 0.0}}, {"kind": "none", "rate": {"below": 0.01}}]
    )
    space = Space(SPACE.parameters, clauses)
    study = study_of(name, space=space)
    # Which kinds a sampler proposes by itself depends on rounding; that none is out of reach is asked for.
    wanted = ["none", "a", "b"]
    for kind in wanted:
        study.enqueue_trial({"kind": kind})
    kinds = []
    for _ in range(25):
        trial = study.ask()
        configuration = space.suggest(trial)
        assert_valid(configuration)
        assert space.forbidding(configuration.values) is None
        kinds.append(configuration.values["kind"])
        study.tell(trial, score(configuration))
    assert kinds[:3] == wanted
    assert len(study.trials) == 25


def test_the_seed_determines_the_search_and_nothing_else_does(name: str) -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global state that a sampler must not use
    first = run(study_of(name, seed=3), 20)
    random.seed(2)
    np.random.seed(2)  # noqa: NPY002
    assert run(study_of(name, seed=3), 20) == first
    assert run(study_of(name, seed=4), 20) != first


def test_global_random_states_stay_as_they_were(name: str) -> None:
    before = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]  # noqa: NPY002
    run(study_of(name), 12)
    after = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]  # noqa: NPY002
    assert before == after


def test_a_new_process_continues_the_same_search(name: str, tmp_path: Path) -> None:
    whole = run(study_of(name, journal=tmp_path / "whole"), 20)
    parts = [
        configuration
        for trials in (3, 7, 10)
        for configuration in run(study_of(name, journal=tmp_path / "parts"), trials)
    ]
    assert parts == whole


@pytest.mark.rounding
def test_trials_asked_for_at_once_differ(name: str) -> None:
    study = study_of(name)
    run(study, 8)
    pending = [study.ask() for _ in range(6)]
    configurations = [SPACE.suggest(trial) for trial in pending]
    assert len({configuration.hash for configuration in configurations}) == 6
    for trial, configuration in reversed(list(zip(pending, configurations, strict=True))):
        study.tell(trial, score(configuration))
    assert_valid(run(study, 1)[0])


def test_a_study_of_failures_alone_goes_on(name: str) -> None:
    study = study_of(name)
    for _ in range(12):
        trial = study.ask()
        assert_valid(SPACE.suggest(trial))
        study.tell(trial, state=TrialState.FAIL)


def test_a_trial_without_a_number_is_no_obstacle(name: str) -> None:
    study = study_of(name)
    for value in (0.1, float("nan"), None, 0.3, float("nan"), 0.2, None, 0.1):
        trial = study.ask()
        SPACE.suggest(trial)
        if value is None or np.isnan(value):
            study.tell(trial, state=TrialState.FAIL)
        else:
            study.tell(trial, value)
    assert_valid(run(study, 1)[0])


def test_enqueued_trials_run_as_they_are_and_are_learnt_from(name: str) -> None:
    study = study_of(name)
    wanted = {"rate": 0.01, "share": 0.5, "kind": "none", "weight": 0.0}
    study.enqueue_trial(SPACE.encode(wanted))
    assert run(study, 1)[0].values == wanted
    for configuration in run(study, 14):
        assert_valid(configuration)


def asked(study: optuna.Study) -> tuple[optuna.Trial, Configuration, float]:
    """A trial, its configuration, and one of its numbers, which tests judge by."""
    trial = study.ask()
    configuration = SPACE.suggest(trial)
    assert_valid(configuration)
    share = configuration.values["share"]
    assert isinstance(share, float)
    return trial, configuration, share


def test_two_objectives(name: str) -> None:
    study = study_of(name, objectives=2)
    for _ in range(20):
        trial, configuration, share = asked(study)
        study.tell(trial, [score(configuration), share])
    assert study.best_trials


def test_trials_of_another_sampler_are_a_warm_start(name: str) -> None:
    other = next(each for each in SAMPLERS if each != name)
    former = study_of(other)
    run(former, 10)
    study = study_of(name)
    study.add_trials(former.get_trials())
    for configuration in run(study, 8):
        assert_valid(configuration)


def test_trials_that_end_in_another_order_are_read_the_same_by_a_new_process(name: str, tmp_path: Path) -> None:
    def batches(journal: Path, *, anew: bool) -> list[Configuration]:
        study = study_of(name, journal=journal)
        configurations = []
        for _ in range(4):
            study = study_of(name, journal=journal) if anew else study
            pending = [study.ask() for _ in range(4)]
            proposed = [SPACE.suggest(trial) for trial in pending]
            for trial, configuration in reversed(list(zip(pending, proposed, strict=True))):
                study.tell(trial, score(configuration))
            configurations += proposed
        return configurations

    assert batches(tmp_path / "one", anew=False) == batches(tmp_path / "several", anew=True)


def test_a_trial_may_be_late(name: str) -> None:
    study = study_of(name)
    late = study.ask()
    configuration = SPACE.suggest(late)
    others = run(study, 14)
    study.tell(late, 100.0)
    assert configuration not in others
    assert_valid(run(study, 1)[0])
    assert study.best_trial.number == late.number


def test_a_trial_that_was_interrupted_while_it_was_asked_for_is_what_was_proposed(name: str, tmp_path: Path) -> None:
    whole, torn = tmp_path / "whole", tmp_path / "torn"
    for journal in (whole, torn):
        run(study_of(name, journal=journal), 14)
    proposed = SPACE.suggest(study_of(name, journal=whole).ask())
    cut = study_of(name, journal=torn).ask()
    cut.suggest_float("rate", 1e-4, 1e-1, log=True)
    later = study_of(name, journal=torn)
    run(later, 3)
    assert SPACE.suggest(optuna.Trial(later, cut._trial_id)) == proposed


def test_two_drivers_share_a_study(name: str, tmp_path: Path) -> None:
    drivers = [study_of(name, journal=tmp_path / "journal") for _ in range(2)]
    configurations = []
    for _ in range(7):
        pending = [(driver, driver.ask()) for driver in drivers]
        proposed = [SPACE.suggest(trial) for _, trial in pending]
        for (driver, trial), configuration in zip(pending, proposed, strict=True):
            assert_valid(configuration)
            driver.tell(trial, score(configuration))
        configurations += proposed
    trials = study_of(name, journal=tmp_path / "journal").trials
    assert [SPACE.configuration(trial.params) for trial in trials] == configurations
    assert len({configuration.hash for configuration in configurations}) == 14


def test_limits_that_are_exceeded_are_no_obstacle(name: str) -> None:
    study = study_of(name)
    for _ in range(20):
        trial, configuration, share = asked(study)
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


DISCRETE = Space(
    TypeAdapter(dict[str, Parameter]).validate_python(
        {
            "kind": {"type": "choice", "choices": ["none", "a", "b"]},
            "share": {"type": "float", "low": 0.0, "high": 0.3, "step": 0.1, "when": {"kind": ["a", "b"]}},
            "places": {"type": "subset", "of": [0, 1], "when": {"kind": "a"}},
            "patterns": {"type": "each", "of": "places", "choices": ["all", "last"]},
            "deep": {"type": "bool"},
        }
    ),
    TypeAdapter(list[Clauses]).validate_python([{"kind": "b", "deep": True}, {"share": {"above": 0.25}}]),
)
"""Space of 2 + 3 x (2 + 2 + 4) x 2 + 3 configurations."""


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
    run(study, 6)
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
