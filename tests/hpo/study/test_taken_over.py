"""Tests of studies that begin with points and results of a former one."""

import csv
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial
from study_samples import report

from hpo.config.study_file import StudyFile, load_study, load_written
from hpo.monitoring.locations import places
from hpo.monitoring.status import status_of
from hpo.monitoring.status_view import print_plain
from hpo.reporting.outputs import write_outputs
from hpo.study import beginning, first_trials
from hpo.study.attributes import TAKEN_OVER
from hpo.study.drivers import joined
from hpo.study.edits import exclude
from hpo.study.first_trials import beginning_of
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study, read_study
from segada.errors import InputError

TEXT = """\
name: {name}
run: {{stream: {{visits: [clear, 50mm, 200mm]}}, evaluation: {{split: val}}, {run}}}
space:
  method.ema_alpha: {{type: float, low: {low}, high: 0.99, default: 0.95}}
  method.pseudo_threshold: {{type: choice, choices: [0.6, 0.7, 0.8], default: 0.6}}
  {more}
objectives: [{{metric: {metric}, goal: maximize}}]
constraints: [{{metric: peak_memory, at_most: 100}}]
sampler: {{name: genetic}}
budget: {{trials: 2}}
confirm: {{top: 1}}
start_from: {start}
"""
VALUES = {"name": "later", "run": "seed: 0", "low": 0.93, "more": "", "metric": "mean_miou", "start": "[]"}
FORMER = [(0.91, 0.6, 0.7), (0.94, 0.7, 0.6), (0.96, 0.8, 0.5), (0.94, 0.8, 0.4)]
"""Teacher's momentum, threshold and result of the trials of the former study."""


def file_of(folder: Path, **changes: object) -> StudyFile:
    path = folder / "file.yaml"
    path.write_text(TEXT.format(**{**VALUES, **changes}), encoding="utf-8")
    return load_study(str(path))


@pytest.fixture
def former(tmp_path: Path) -> Path:
    points = [{"method.ema_alpha": one, "method.pseudo_threshold": other} for one, other, _ in FORMER]
    file, out = file_of(tmp_path, name="former", low=0.9, start=points), tmp_path / "former"
    study = open_study(file.__class__(file.document, _longer(file), file.space), out)
    for _, _, value in FORMER:
        proposal = study.ask()
        assert proposal is not None
        study.complete(proposal.number, [value], [-1.0])
    folder = Plan(file, out).trial_folder(1)
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(report(0.02).model_dump_json(), encoding="utf-8")
    write_study(file, out)
    return out


def _longer(file: StudyFile):  # type: ignore[no-untyped-def]
    return file.settings.model_copy(update={"budget": file.settings.budget.model_copy(update={"trials": 9})})


def taken(study: Study) -> list[tuple[object, ...]]:
    trials = [trial for trial in study.optuna_study.get_trials(deepcopy=False) if TAKEN_OVER in trial.user_attrs]
    return [(*study.configuration(trial).values.values(), *trial.values) for trial in trials]


def rows(path: Path) -> Sequence[dict[str, str]]:
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_results_begin_a_study_and_use_nothing_of_its_budget(former: Path, tmp_path: Path) -> None:
    file, out = file_of(tmp_path, start=f"[{{study: {former}, results: true}}]"), tmp_path / "out"
    study, plan = open_study(file, out), Plan(file, out)
    assert study.notes == (
        f"3 results of {former} are taken over; they do not count in the budget",
        "left out: trial 0: method.ema_alpha never has the value 0.91; it is 0.93 to 0.99",
    )
    assert taken(study) == FORMER[1:]
    assert study.optuna_study.get_trials()[1].user_attrs[TAKEN_OVER] == {"study": str(former), "trial": 2}
    assert [trial.number for trial in study.best(1)] == [0]
    assert (study.remaining(), study.is_search_over()) == (2, False)
    proposals = [study.ask() for _ in range(3)]
    assert [proposal.number for proposal in proposals if proposal is not None] == [3, 4]
    for number in (3, 4):
        study.complete(number, [0.3], [-1.0])
    assert study.is_search_over()
    assert next(iter(plan.confirmations(study))).parameters == {
        "method.ema_alpha": 0.94,
        "method.pseudo_threshold": 0.7,
    }
    write_study(file, out)
    results = write_outputs(study, plan, {})
    table = rows(out / "results.csv")
    assert [row["reason"] for row in table[:3]] == [f"taken over from trial {one} of {former}" for one in (1, 2, 3)]
    # Its visits are read where they are.
    assert [bool(row["gain"]) for row in table] == [True, False, False, False, False]
    assert (results.budget.uncounted, results.search_seconds < 60, results.damages) == (3, True, ())
    status, lines = status_of(places(str(out), None)[0], time.time()), list[str]()
    print_plain(status, lines.append)
    assert (status.complete, status.uncounted, status.best_trial, status.is_over) == (2, 3, 0, True)
    assert any("3 more outside the budget" in line for line in lines)
    assert "2 of 2 trials over (2 complete, 0 pruned, 0 failed), 3 more outside the budget" in (
        (out / "report.html").read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("storage", ["", "storage: sqlite:///{folder}/studies.db\n"])
def test_several_drivers_and_a_later_one_take_them_over_once(former: Path, tmp_path: Path, storage: str) -> None:
    file_of(tmp_path, start=f"[{{study: {former}, results: true}}, {{study: {former}, top: 2, results: true}}]")
    path = tmp_path / "file.yaml"
    path.write_text(path.read_text() + storage.format(folder=tmp_path))
    file, out = load_study(str(path)), tmp_path / "out"
    with joined(out) as first, joined(out) as second:
        for driver in (first, second):
            with driver.exclusive():
                study = open_study(file, out, driver)
            assert taken(study) == FORMER[1:]
            assert (study.notes != ()) is (driver is first)
    assert taken(read_study(file, out)) == FORMER[1:]


def test_a_driver_that_died_while_it_took_them_over_leaves_the_rest_to_the_next(
    former: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, out = file_of(tmp_path, start=f"[{{study: {former}, results: true}}, defaults]"), tmp_path / "out"
    add = beginning.optuna.Study.add_trial

    def dies(study: beginning.optuna.Study, trial: beginning.FrozenTrial) -> None:
        add(study, trial)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(beginning.optuna.Study, "add_trial", dies)
        with pytest.raises(KeyboardInterrupt):
            open_study(file, out)
    study = open_study(file, out)
    assert taken(study) == FORMER[1:]
    assert [trial.state for trial in study.optuna_study.get_trials()][3:] == [TrialState.WAITING]


def test_a_point_with_a_result_is_not_run_again(former: Path, tmp_path: Path) -> None:
    known = "{method.ema_alpha: 0.94, method.pseudo_threshold: 0.7}"
    file = file_of(tmp_path, start=f"[{known}, defaults, {{study: {former}, results: true}}]")
    assert beginning_of(file).points == [{"method.ema_alpha": 0.95, "method.pseudo_threshold": 0.6}]


def test_only_the_best_are_taken_over_if_a_number_is_given(former: Path, tmp_path: Path) -> None:
    file = file_of(tmp_path, start=f"[{{study: {former}, results: true, top: 3}}]")
    assert [trial.values for trial in beginning_of(file).results] == [[0.6], [0.5]]


@pytest.mark.parametrize("entry", ["results: true", "results: true, top: 4", "top: 4"])
def test_trials_that_do_not_count_in_the_former_study_are_not_taken_from_it(
    former: Path, tmp_path: Path, entry: str
) -> None:
    study = read_study(load_written(former), former)
    params, distributions = {"x": 1.0}, {"x": FloatDistribution(0, 2)}
    study.optuna_study.add_trial(create_trial(params=params, distributions=distributions, value=0.95))
    exclude(former, 1, "odd")
    found = beginning_of(file_of(tmp_path, low=0.9, start=f"[{{study: {former}, {entry}}}]"))
    kept = [FORMER[0], *FORMER[2:]]
    assert [tuple(point.values()) for point in found.points or [one.params for one in found.results]] == [
        (momentum, threshold) for momentum, threshold, _ in kept
    ]
    assert [trial.values for trial in found.results] in ([], [[value] for *_, value in kept])


def test_a_parameter_that_is_new_has_the_value_of_the_former_runs(former: Path, tmp_path: Path) -> None:
    more = "method.mix_weight: {type: float, low: 0.0, high: 2.0}"
    start = f"[{{study: {former}, results: true}}]"
    file = file_of(tmp_path, more=more, start=start)
    fixed = file.run_settings().model_dump()["method"]["mix_weight"]
    assert {trial.params["method.mix_weight"] for trial in beginning_of(file).results} == {fixed}
    # Another value than theirs in the whole range: no result can be had.
    beyond = file_of(tmp_path, more=more.replace("0.0", "1.5"), start=start)
    found = beginning_of(beyond)
    assert found.results == []
    assert any("method.mix_weight never has the value 1.0; it is 1.5 to 2" in note for note in found.notes)


def test_a_parameter_that_is_fixed_now_takes_over_the_trials_that_had_its_value(former: Path, tmp_path: Path) -> None:
    file = file_of(tmp_path, run="method: {pseudo_threshold: 0.8}", start=f"[{{study: {former}, results: true}}]")
    path = tmp_path / "file.yaml"
    lines = [line for line in path.read_text().splitlines() if "choices" not in line]
    path.write_text("\n".join(lines))
    file = load_study(str(path))
    found = beginning_of(file)
    assert [trial.values for trial in found.results] == [[0.5], [0.4]]
    assert any("trial 1: its method.pseudo_threshold cannot be had" in note for note in found.notes)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"run": "seed: 1"}, r"run.seed is 0 there and 1 here"),
        ({"run": "method: {mix_weight: 0.5}"}, r"run.method.mix_weight is 1.0 there and 0.5 here"),
        ({"metric": "gain"}, r"objectives is \["),
    ],
)
def test_results_that_are_not_comparable_are_refused_in_a_line(
    changes: dict[str, object], said: str, former: Path, tmp_path: Path
) -> None:
    file = file_of(tmp_path, **changes, start=f"[{{study: {former}, results: true}}]")
    with pytest.raises(
        InputError, match=rf"start_from.0.results: results of .* cannot be taken over: {said}"
    ) as refusal:
        open_study(file, tmp_path / "out")
    assert "\n" not in str(refusal.value)


def test_results_of_another_engine_are_refused(former: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(first_trials, "engine", lambda: "segada 99, git revision abc")
    file = file_of(tmp_path, start=f"[{{study: {former}, results: true}}]")
    with pytest.raises(
        InputError, match=r"its engine was segada .*, and this one is segada 99, git revision abc; leave"
    ):
        beginning_of(file)


def test_values_outside_narrower_bounds_are_said_and_each_point_comes_once(former: Path, tmp_path: Path) -> None:
    file = file_of(tmp_path, low=0.95, start=f"[defaults, {{study: {former}, top: 4}}]")
    found = beginning_of(file)
    said = "method.ema_alpha never has the value {}; it is 0.95 to 0.99, so its default 0.95 is tried"
    assert found.notes == [
        f"trial 0 of {former}: {said.format(0.91)}",
        f"trial 1 of {former}: {said.format(0.94)}",
        f"trial 3 of {former}: {said.format(0.94)}",
        f"trial 0 of {former} is left out: it is an earlier point in this space",
        "2 of the 4 first points wait: budget.trials is 2",
    ]
    points = [tuple(point.values()) for point in found.points]
    assert points == [(0.95, 0.6), (0.95, 0.7), (0.96, 0.8), (0.95, 0.8)]
    study = open_study(file, tmp_path / "out")
    assert study.notes == tuple(found.notes)
    assert len(study.optuna_study.get_trials()) == 4
