"""Tests of trials that people and other programs enqueue, add, edit and delete in a study's storage."""

import json
import math
from pathlib import Path

import optuna
import pytest
import yaml
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial

from hpo.config.study_file import StudyFile, load_study
from hpo.results.collect import results_of
from hpo.results.results import table
from hpo.samplers.registry import SAMPLERS
from hpo.study.attributes import REASON
from hpo.study.beginning import Beginning
from hpo.study.exchange import exported, imported
from hpo.study.opening import open_optuna_study
from hpo.study.origin import origin_of
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study, read_study
from segada.errors import InputError

LOW, HIGH = 0.5, 0.9
STUDY: dict[str, object] = {
    "name": "tiny",
    "run": {"stream": {"visits": ["clear", "25mm"]}, "evaluation": {"split": "val"}},
    "space": {
        "method.pseudo_threshold": {"type": "float", "low": LOW, "high": HIGH, "default": 0.6},
        "method.clean_weight": {"type": "float", "low": 0.01, "high": 1.0, "off": 0.0, "default": 0.5, "log": True},
        "stream.passes": {"type": "int", "low": 1, "high": 3, "default": 1},
        "adapter.name": {"type": "choice", "choices": ["none", "adaptformer"], "default": "none"},
        "adapter.stages": {"type": "subset", "of": [0, 1, 2], "when": {"adapter.name": "adaptformer"}},
        "evaluation.online": {"type": "bool", "default": True},
    },
    "forbidden": [{"stream.passes": 3, "evaluation.online": False}],
    "budget": {"trials": 40},
    "sampler": {"name": "random", "seed": 0},
}
WHOLE = {
    "method.pseudo_threshold": 0.7,
    "method.clean_weight.on": False,
    "stream.passes": 2,
    "adapter.name": "none",
    "evaluation.online": True,
}
THRESHOLD = "method.pseudo_threshold"
REFUSED: dict[str, tuple[dict[str, object], str]] = {
    "text": ({THRESHOLD: "abc"}, "method.pseudo_threshold cannot be the text 'abc'; it is a number, 0.5 to 0.9"),
    "a number as text": ({THRESHOLD: "0.7"}, "method.pseudo_threshold cannot be the text '0.7'; it is a number"),
    "out of bounds": ({THRESHOLD: 5.0}, "method.pseudo_threshold cannot be 5.0; it is a number, 0.5 to 0.9"),
    "NaN": ({THRESHOLD: math.nan}, "method.pseudo_threshold cannot be nan"),
    "infinite": ({THRESHOLD: math.inf}, "method.pseudo_threshold cannot be inf"),
    "nothing": ({THRESHOLD: None}, "method.pseudo_threshold cannot be None"),
    "a list": ({THRESHOLD: [0.7]}, "method.pseudo_threshold cannot be [0.7]"),
    "true for a float": ({THRESHOLD: True}, "method.pseudo_threshold cannot be True"),
    "true for an integer": ({"stream.passes": True}, "stream.passes cannot be True; it is an integer, 1 to 3"),
    "a share of an integer": ({"stream.passes": 1.5}, "stream.passes cannot be 1.5; it is an integer, 1 to 3"),
    "a long integer": ({"stream.passes": 10**400}, "stream.passes cannot be 1000"),
    "one for true": ({"evaluation.online": 1}, "evaluation.online cannot be 1; choose from False, True"),
    "no choice": (
        {"adapter.name": "lora"},
        "adapter.name cannot be the text 'lora'; choose from 'none', 'adaptformer'",
    ),
    "no subset": ({"adapter.name": "adaptformer", "adapter.stages": "0+9"}, "adapter.stages cannot be the text '0+9'"),
    "an unknown name": ({"x": 1.0}, "x is not a parameter of this space"),
    "a name with a typing error": ({"method.pseudo_treshold": 0.7}, "did you mean method.pseudo_threshold?"),
    "without effect": ({"adapter.name": "none", "adapter.stages": "0"}, "adapter.stages has no effect here"),
    "forbidden": ({"stream.passes": 3, "evaluation.online": False}, "the point is forbidden, by forbidden.0"),
}


def study_file(folder: Path, **changes: object) -> StudyFile:
    folder.mkdir(exist_ok=True)
    (folder / "tiny.yaml").write_text(yaml.safe_dump({**STUDY, **changes}))
    return load_study(str(folder / "tiny.yaml"))


@pytest.fixture
def file(tmp_path: Path) -> StudyFile:
    return study_file(tmp_path)


def begun(file: StudyFile, out: Path, trials: int = 2) -> Study:
    study = open_study(file, out)
    write_study(file, out)
    for number in range(trials):
        assert study.ask() is not None
        study.complete(number, [0.1 * (number + 1)] * len(file.settings.objectives))
    return study


def trials(study: Study) -> list[FrozenTrial]:
    return study.optuna_study.get_trials(deepcopy=False)


def foreign(values: list[float], params: dict[str, object], **distributions: object) -> FrozenTrial:
    own = {"x": FloatDistribution(0.0, 2.0), THRESHOLD: FloatDistribution(0.0, 1.0), **distributions}
    return create_trial(values=values, params=params, distributions={name: own[name] for name in params})


@pytest.mark.parametrize("storage", [None, "sqlite"])
def test_an_enqueued_point_that_is_not_of_the_space_fails_its_trial_alone(file, tmp_path, storage):
    if storage is not None:
        file = file.kept_in(f"sqlite:///{tmp_path}/studies.db")
    study = begun(file, tmp_path / "out")
    for point, _ in REFUSED.values():
        study.optuna_study.enqueue_trial(point)
    study.optuna_study.enqueue_trial({THRESHOLD: 0.8})
    proposal = study.ask()

    refused = trials(study)[2:-1]
    for trial, (point, problem) in zip(refused, REFUSED.values(), strict=True):
        assert trial.state == TrialState.FAIL
        reason = trial.user_attrs[REASON]
        assert reason.startswith("its point is not of this study's space: ")
        assert problem in reason, point
    assert proposal is not None
    assert proposal.number == 2 + len(REFUSED)
    assert proposal.configuration.values[THRESHOLD] == 0.8
    results = results_of(study, Plan(file, tmp_path / "out"), None)
    assert results.failed() == {f"trial {trial.number}": trial.user_attrs[REASON] for trial in refused}
    assert {row["state"] for row in table(results)[1]} == {"complete", "fail", "running"}
    assert exported(tmp_path / "out")


def test_a_trial_that_began_with_such_a_point_under_a_former_version_fails_too(file, tmp_path):
    """Its driver died while it asked the sampler, and so did each driver after it."""
    study = begun(file, tmp_path / "out")
    study.optuna_study.enqueue_trial({THRESHOLD: "abc"})
    study._storage.set_trial_state_values(2, TrialState.RUNNING)
    again = open_study(file, tmp_path / "out")
    proposal = again.ask()

    assert proposal is not None
    assert proposal.number == 3
    assert trials(again)[2].state == TrialState.FAIL


def test_numbers_are_taken_in_the_types_of_the_space_and_what_lacks_is_chosen_by_the_sampler(file, tmp_path):
    study = begun(file, tmp_path / "out", 1)
    study.optuna_study.enqueue_trial({**WHOLE, "stream.passes": 2.0})
    study.optuna_study.enqueue_trial({"method.clean_weight.on": True, "method.clean_weight": 1})
    first, second = study.ask(), study.ask()

    assert first is not None
    assert second is not None
    assert [
        type(first.configuration.values["stream.passes"]),
        type(second.configuration.values["method.clean_weight"]),
    ] == [
        int,
        float,
    ]
    again = open_study(file, tmp_path / "out")
    for proposal in (first, second):
        taken = again.ask()
        assert taken is not None
        assert taken.configuration.hash == proposal.configuration.hash
    assert [origin_of(trial) for trial in trials(study)] == ["start point", "enqueued", "enqueued"]


def test_a_point_that_no_run_can_have_fails_its_trial(tmp_path):
    """The space is checked on a sample of its points, so that one may be found later."""
    file = study_file(tmp_path)
    study = begun(file, tmp_path / "out")
    contradiction = ValueError("these settings contradict each other")

    def refused(*_: object) -> None:
        raise contradiction

    object.__setattr__(file, "run_settings", refused)
    study.optuna_study.enqueue_trial(WHOLE)
    file.settings.budget.__dict__["trials"] = 3
    assert study.ask() is None
    assert str(contradiction) in trials(study)[2].user_attrs[REASON]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("objectives", [1, 2])
def test_samplers_go_on_beside_trials_of_other_programs(sampler, objectives, tmp_path):
    goals = [{"metric": "mean_miou", "goal": "maximize"}, {"metric": "forgetting", "goal": "minimize"}][:objectives]
    several = {} if objectives == 1 else {"objectives": goals}
    file = study_file(tmp_path, sampler={"name": sampler, "seed": 0}, **several)
    study = begun(file, tmp_path / "out", 1)
    values = [0.9] * objectives
    other = study.optuna_study
    other.add_trial(foreign(values, {"x": 1.0}))
    other.add_trial(foreign(values, {THRESHOLD: 0.1}))
    other.add_trial(foreign(values, {THRESHOLD: 0.7}))
    other.add_trial(foreign(values, {THRESHOLD: "none"}, **{THRESHOLD: CategoricalDistribution(["none", "all"])}))
    other.add_trial(foreign(values, {THRESHOLD: 1}, **{THRESHOLD: IntDistribution(0, 3)}))
    other.add_trial(create_trial(state=TrialState.FAIL))
    other.add_trial(create_trial(state=TrialState.PRUNED, intermediate_values={1: math.nan}))
    own = file.space.distributions()
    other.add_trial(create_trial(values=values, params=WHOLE, distributions={name: own[name] for name in WHOLE}))
    for broken in ([0.5] * (objectives + 1), [math.nan] * objectives, [math.inf] * objectives):
        trial = create_trial(
            values=[0.5] * len(broken), params=WHOLE, distributions={name: own[name] for name in WHOLE}
        )
        trial.values = None
        trial._values = broken
        study._storage.create_new_trial(other._study_id, trial)
    other.enqueue_trial({THRESHOLD: "abc"})
    last = len(trials(study))
    for number in range(last, last + 12):
        proposal = study.ask()
        assert proposal is not None
        assert proposal.number == number
        study.complete(number, [0.01 * number] * objectives)
    best = {trial.number for trial in study.best(40)}
    assert not best & {1, 2, 3, 4, 5, 9, 10, 11}
    assert 8 in best
    again = open_study(file, tmp_path / "out")
    assert again.ask() is not None


def test_a_result_from_outside_is_shown_as_what_it_is_and_leads_only_with_a_point_of_the_space(file, tmp_path):
    study, out = begun(file, tmp_path / "out"), tmp_path / "out"
    own = file.space.distributions()
    study.optuna_study.add_trial(foreign([0.95], {"x": 1.0}))
    assert [trial.number for trial in study.best(3)] == [1, 0]
    study.optuna_study.add_trial(
        create_trial(values=[0.9], params=WHOLE, distributions={name: own[name] for name in WHOLE})
    )
    assert [trial.number for trial in study.best(3)] == [3, 1, 0]

    results = results_of(read_study(file, out), Plan(file, out), None)
    assert results.best is not None
    assert results.best.number == 3
    assert [trial.number for trial in results.completed()] == [3, 1, 0]
    assert [trial.origin for trial in results.trials] == ["start point", "sampler", "outside", "outside"]
    assert results.trials[2].parameters == {"x": 1.0}
    without = "result from outside, without a run"
    left_out = "not a result of this study: x is not a parameter of this space"
    assert results.trials[2].reason.startswith(f"{without}; {left_out}")
    assert results.trials[3].reason == without
    assert list(Plan(file, out).repairs(study)) == []


def test_a_result_that_lacks_a_constraint_does_not_lead(tmp_path):
    file = study_file(tmp_path, constraints=[{"metric": "frames_per_second", "at_least": 10.0}])
    study = open_study(file, tmp_path / "out")
    study.ask()
    study.complete(0, [0.1], [-1.0])
    own = file.space.distributions()
    study.optuna_study.add_trial(
        create_trial(values=[0.9], params=WHOLE, distributions={name: own[name] for name in WHOLE})
    )
    assert [trial.number for trial in study.best(3)] == [0]
    said = study.admitted().left_out(trials(study)[1])
    assert (
        said
        == "not a result of this study: its violation of the constraint 'frames_per_second at least 10.0' is unknown"
    )


@pytest.mark.parametrize("again", [False, True], ids=["deleted", "deleted and begun anew by another program"])
@pytest.mark.parametrize("storage", [None, "sqlite"])
def test_a_deleted_study_is_refused_and_comes_back_from_its_export(tmp_path, storage, again):
    place = None if storage is None else f"sqlite:///{tmp_path}/studies.db"
    file, out = study_file(tmp_path, storage=place), tmp_path / "out"
    study = begun(file, out)
    (tmp_path / "trials.jsonl").write_text(exported(out)[0])
    optuna.delete_study(study_name="tiny", storage=study._storage)
    if again:
        optuna.create_study(study_name="tiny", storage=study._storage, direction="maximize")
    with pytest.raises(InputError) as refusal:
        open_study(file, out)
    said = str(refusal.value)
    assert said.startswith(f"{out}: holds study.yaml but no study 'tiny' that was begun there in ")
    assert "--new" in said
    assert said.endswith(f"python -m hpo.trial import {out} FILE")
    assert "\n" not in said
    if again:
        optuna.delete_study(study_name="tiny", storage=study._storage)
    assert imported(tmp_path / "trials.jsonl", out, file) == (2, 0)
    assert [trial.values for trial in trials(open_study(file, out))] == [[0.1], [0.2]]


def test_a_first_trial_with_another_distribution_is_named_before_anything_runs(file, tmp_path):
    """Optuna compares each new distribution with the first one of its name, and would refuse every trial."""
    open_optuna_study(file, tmp_path / "out", Beginning)[0].add_trial(
        foreign([0.5], {THRESHOLD: "none"}, **{THRESHOLD: CategoricalDistribution(["none", "all"])})
    )
    with pytest.raises(InputError, match=r"trial 0, .* stores method\.pseudo_threshold with another distribution"):
        open_study(file, tmp_path / "out")


def test_foreign_trials_are_exported_and_come_back(file, tmp_path):
    study, out = begun(file, tmp_path / "out"), tmp_path / "out"
    study.optuna_study.add_trial(
        foreign([0.5], {THRESHOLD: "none"}, **{THRESHOLD: CategoricalDistribution(["none", "all"])})
    )
    text = exported(out)[0]
    assert json.loads(text.splitlines()[-1])["stored"] == {THRESHOLD: "none"}
    (tmp_path / "trials.jsonl").write_text(text)
    assert imported(tmp_path / "trials.jsonl", tmp_path / "copy", file) == (3, 0)
    assert trials(open_study(file, tmp_path / "copy"))[2].params == {THRESHOLD: "none"}
