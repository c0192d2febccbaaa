"""Tests of the commands that list and change trials: `python -m hpo.trial list, add, retry, exclude, stop`."""

import json
from pathlib import Path

import pytest
import yaml
from drivers_bench import PATIENCE, Bench, finish, wait_for
from optuna.trial import TrialState
from study_texts import study_text

import hpo.status
import hpo.trial
from hpo.config.study_file import load_study, load_written
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study, read_study
from segada.cli.exit_codes import DONE, WRONG_INPUT

STUDY = {
    "name": "tiny",
    "run": {"stream": {"visits": ["clear", "25mm"]}, "evaluation": {"split": "val"}},
    "space": {
        "method.pseudo_threshold": {"type": "float", "low": 0.5, "high": 0.9, "default": 0.6},
        "stream.passes": {"type": "int", "low": 1, "high": 3, "default": 1},
        "adapter.name": {"type": "choice", "choices": ["none", "adaptformer"], "default": "none"},
        "adapter.stages": {"type": "subset", "of": [0, 1, 2], "when": {"adapter.name": "adaptformer"}},
    },
    "forbidden": [{"stream.passes": 3, "adapter.name": "adaptformer"}],
    "budget": {"trials": 4},
    "sampler": {"name": "random", "seed": 0},
}


@pytest.fixture(params=["journal", "sqlite"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> Study:
    """A study with a complete, a failed and a running trial."""
    storage = None if request.param == "journal" else f"sqlite:///{tmp_path}/studies.db"
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump({**STUDY, "storage": storage}))
    study = open_study(load_study(str(tmp_path / "tiny.yaml")), tmp_path / "out")
    write_study(study.file, tmp_path / "out")
    for _ in range(3):
        study.ask()
    study.complete(0, [0.5])
    study.fail(1, "the loss is not finite")
    return study


def said(capsys: pytest.CaptureFixture[str], study: Study, *words: str) -> str:
    """What a command prints that changes something."""
    command, *rest = words
    assert hpo.trial.main([command, str(study_folder(study)), *rest]) == DONE
    return capsys.readouterr().out


def refused(capsys: pytest.CaptureFixture[str], study: Study, *words: str) -> str:
    """The one line of a command that changes nothing."""
    before = hpo.trial.main(["list", str(study_folder(study)), "--json"]), capsys.readouterr().out
    command, *rest = words
    assert hpo.trial.main([command, str(study_folder(study)), *rest]) == WRONG_INPUT
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert (hpo.trial.main(["list", str(study_folder(study)), "--json"]), capsys.readouterr().out) == before
    return line


def study_folder(study: Study) -> Path:
    return Path(study.file.document.file).parent / "out"


@pytest.mark.parametrize("study", ["journal"], indirect=True)
@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (["method.pseudo_threshold=5.0"], "method.pseudo_threshold: never has the value 5.0; it is 0.5 to 0.9"),
        (["method.pseudo_threshold=abc"], "method.pseudo_threshold: never has the value 'abc'"),
        (["method.pseudo_threshold=.nan"], "method.pseudo_threshold: never has the value nan"),
        (["stream.passes=true"], "stream.passes"),
        (["stream.passes=1.5"], "stream.passes: never has the value 1.5"),
        (["adapter.name=lora"], "adapter.name: never has the value 'lora'; choose from none, adaptformer"),
        (["method.pseudo_treshold=0.7"], "method.pseudo_treshold: is not a parameter of this space; did you mean"),
        (["adapter.stages=0,1"], "adapter.stages: has no effect here"),
        (["adapter.name=adaptformer", "stream.passes=3"], "is forbidden, by forbidden.0"),
        ([], "names no value"),
    ],
)
def test_a_point_that_is_not_of_the_space_is_refused(study, capsys, values, problem):
    assert problem in refused(capsys, study, "add", *(word for value in values for word in ("--set", value)))


def test_an_added_point_waits_and_is_tried_next(study, capsys, tmp_path):
    line = said(capsys, study, "add", "--set", "method.pseudo_threshold=0.75")
    assert line.startswith('trial 3 waits: adapter.name="none", method.pseudo_threshold=0.75, stream.passes=1\n')
    path = tmp_path / "point.json"
    path.write_text(json.dumps({"adapter": {"name": "adaptformer", "stages": [0, 2]}, "stream.passes": 2}))
    line = said(capsys, study, "add", "--file", str(path))
    assert "the budget of 4 trials suffices for 1 of 2 that wait; to run all: " in line
    assert line.endswith(f"--space {study_folder(study)}/study.yaml --out {study_folder(study)} --trials 5\n")
    proposal = study.ask()
    assert proposal is not None
    assert proposal.number == 3
    assert proposal.configuration.values["method.pseudo_threshold"] == 0.75
    assert study.ask() is None
    more = open_study(load_study(study.file.document.file, {"budget.trials": 5}), study_folder(study))
    taken = [more.ask(), more.ask(), more.ask()]
    assert [one and one.number for one in taken] == [2, 3, 4]
    assert taken[2] is not None
    assert taken[2].configuration.values["adapter.stages"] == [0, 2]


def test_a_failed_trial_is_tried_again_outside_the_budget(study, capsys):
    assert "only a failed trial is tried again" in refused(capsys, study, "retry", "0")
    assert "has no trial 7; its trials are 0 to 2" in refused(capsys, study, "retry", "7")
    assert said(capsys, study, "retry", "1").startswith("trial 3 waits: a retry of trial 1, outside the budget\n")
    assert "trial 3 is a retry of trial 1 already" in refused(capsys, study, "retry", "1")
    proposals = [study.ask(), study.ask(), study.ask()]
    assert [one and (one.number, one.is_retry) for one in proposals] == [(3, True), (4, False), None]
    trials = study.optuna_study.get_trials(deepcopy=False)
    assert trials[3].params == trials[1].params
    study.fail(3, "again")
    assert said(capsys, study, "retry", "3").startswith("trial 5 waits: a retry of trial 3")


def test_an_excluded_trial_does_not_count_until_it_is_included(study, capsys):
    study.complete(2, [0.7])
    assert [trial.number for trial in study.best(2)] == [2, 0]
    assert said(capsys, study, "exclude", "2", "--reason", "wrong data").startswith("trial 2 is excluded: wrong data\n")
    reader = read_study(study.file, study_folder(study))
    assert [trial.number for trial in reader.best(2)] == [trial.number for trial in study.best(2)] == [0]
    assert [trial.number for trial in study.admitted().get_trials(deepcopy=False)] == [0, 1]
    assert "2      complete  0.7" in said(capsys, study, "list")
    assert hpo.status.main([str(study_folder(study))]) == DONE
    shown = capsys.readouterr().out
    assert "best so far: trial 0" in shown
    assert "note: trial 2: excluded: wrong data" in shown
    said(capsys, study, "exclude", "2", "--undo")
    assert [trial.number for trial in study.best(2)] == [2, 0]
    assert "is not excluded" in refused(capsys, study, "exclude", "2", "--undo")


def test_a_waiting_or_running_trial_is_stopped(study, capsys):
    assert "trial 0 is complete already" in refused(capsys, study, "stop", "0")
    said(capsys, study, "stop", "2", "--reason", "too slow")
    said(capsys, study, "add", "--set", "stream.passes=3")
    assert said(capsys, study, "stop", "3") == "trial 3 is closed as failed: stopped by hand\n"
    states = [trial.state for trial in study.optuna_study.get_trials(deepcopy=False)]
    assert states == [TrialState.COMPLETE, *[TrialState.FAIL] * 3]


def test_the_list_has_state_values_origin_and_reason(study, capsys):
    study.optuna_study.enqueue_trial({"x": float("nan")})
    lines = [json.loads(line) for line in said(capsys, study, "list", "--json").splitlines()]
    assert [line["state"] for line in lines] == ["complete", "fail", "running", "waiting"]
    assert [line["origin"] for line in lines] == ["start point", "sampler", "sampler", "enqueued"]
    assert lines[0]["values"] == [0.5]
    assert lines[1]["reason"] == "the loss is not finite"
    assert lines[3]["parameters"] == {"x": "nan"}


def test_trials_are_changed_while_a_driver_runs(tmp_path, capsys):
    (tmp_path / "tiny.yaml").write_text(study_text("budget: {trials: 4}", "confirm: {top: 1, seeds: 1}"))
    out = tmp_path / "out"
    with Bench(tmp_path / "tiny.yaml", out, tmp_path / "gate") as bench:
        driver = bench.start(waits=True, slots=3)
        # Both baselines and a trial have made a visit.
        wait_for((out / "trials" / "0" / "visits.jsonl").exists, driver)
        assert hpo.trial.main(["add", str(out), "--set", "method.pseudo_threshold=0.7"]) == DONE
        assert hpo.trial.main(["stop", str(out), "0", "--reason", "too slow"]) == DONE
        bench.gate.touch()
        (printed,) = finish(driver)
    assert "trial 0: failed: too slow" in printed
    assert len(bench.visits()["trials/0"]) == 2
    capsys.readouterr()
    assert hpo.trial.main(["list", str(out), "--json"]) == DONE
    listed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [trial["origin"] for trial in listed] == ["sampler", "added", "sampler", "sampler"]
    assert [trial["state"] for trial in listed] == ["fail", "complete", "complete", "complete"]


@pytest.mark.parametrize("storage", ["journal", "sqlite"])
def test_a_study_that_is_deleted_while_it_runs_ends_in_one_line(tmp_path, storage):
    place = [] if storage == "journal" else [f"storage: sqlite:///{tmp_path}/studies.db"]
    (tmp_path / "tiny.yaml").write_text(study_text("budget: {trials: 4}", *place))
    out = tmp_path / "out"
    with Bench(tmp_path / "tiny.yaml", out, tmp_path / "gate") as bench:
        driver = bench.start(waits=True, slots=3)
        wait_for((out / "trials" / "0" / "visits.jsonl").exists, driver)
        read_study(load_written(out), out).remove()
        bench.gate.touch()
        said = driver.communicate(timeout=PATIENCE)[1]
    assert driver.returncode == WRONG_INPUT
    assert (
        said == f"error: {out}: its study was deleted from its storage while it ran; the same command says the cure\n"
    )
