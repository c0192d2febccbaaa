"""Tests of a study's output files, made from folders with reports of runs."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from optuna.distributions import FloatDistribution
from optuna.trial import create_trial
from study_samples import leave_run, random_areas, report, results
from study_texts import study_text

from hpo.config.study_file import StudyFile, load_study
from hpo.reporting.outputs import write_outputs
from hpo.results.collect import confirmation_of
from hpo.results.results import write_csv
from hpo.results.source_model import SourceModel
from hpo.study.jobs import Job
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study

STUDY = study_text("budget: {trials: 2, hours: 1}", "confirm: {top: 1, seeds: 2}")


@pytest.fixture
def file(tmp_path: Path) -> StudyFile:
    (tmp_path / "study-file.yaml").write_text(STUDY)
    return load_study(str(tmp_path / "study-file.yaml"))


@pytest.fixture
def study(file: StudyFile, tmp_path: Path) -> Study:
    """One trial of the two is done; the hours are over."""
    opened = open_study(file, tmp_path / "out")
    write_study(file, tmp_path / "out")
    opened.ask()
    opened.complete(0, [0.5])
    opened.close()
    return opened


@pytest.fixture
def plan(file: StudyFile, tmp_path: Path) -> Plan:
    return Plan(file, tmp_path / "out")


def finish(job: Job, gain: float = 0.0) -> None:
    """Leaves what the engine leaves of a run."""
    leave_run(job, report(gain, seed=job.settings.seed), random_areas(np.random.default_rng(0), 0.6, frames=8))


def test_results_csv_has_no_column_twice(tmp_path: Path):
    found = replace(results(None), objectives=("gain", "miou/clear"), maximized=(True, True))
    trials = [replace(trial, values=(0.04, 0.63)[: 2 * (trial.state == "complete")]) for trial in found.trials]
    write_csv(replace(found, trials=tuple(trials)), tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header[:4] == ["number", "state", "gain", "miou/clear"]
    assert len(header) == len(set(header))
    assert {"miou/50mm", "miou/200mm", "method.pseudo_threshold", "seconds", "reason"} <= set(header)
    assert [row[2:4] for row in rows] == [["0.04", "0.63"], ["0.04", "0.63"], ["", str(0.59 - 0.2)], ["", ""]]


def test_a_search_that_its_hours_ended_is_confirmed(study: Study, plan: Plan):
    jobs = [*plan.confirmed_baselines(), *plan.confirmations(study)]
    for job in jobs[:-1]:
        finish(job)
    assert confirmation_of(study, plan, {}) is None

    finish(jobs[-1])
    confirmed = confirmation_of(study, plan, {})

    assert confirmed is not None
    assert [run.name for run in confirmed.runs] == ["source_only", "batch_norm", "default", "trial 0"]
    written = write_outputs(study, plan, {})
    assert written.confirmed == confirmed
    assert written.source == confirmed.source == SourceModel(domain="clear", miou=0.59, least=0.25)
    assert (plan.out / "best" / "weights.safetensors").exists()


def test_a_trial_that_has_the_default_configuration_stands_for_it(tmp_path: Path):
    path = tmp_path / "with-default.yaml"
    path.write_text(STUDY.replace("high: 0.9", "high: 0.9, default: 0.75"))
    with_default = load_study(str(path))
    study, plan = open_study(with_default, tmp_path / "out"), Plan(with_default, tmp_path / "out")
    write_study(with_default, tmp_path / "out")
    study.ask()
    study.complete(0, [0.5])
    study.close()
    jobs = [*plan.confirmed_baselines(), *plan.confirmations(study)]
    for job in jobs:
        finish(job)

    assert not any(job.name.startswith("default") for job in jobs)
    results = write_outputs(study, plan, {})
    assert results.confirmed is not None
    assert [(run.name, run.trial) for run in results.confirmed.runs[2:]] == [("default", 0), ("trial 0", 0)]
    assert "the default configuration, the best that the search found," in (plan.out / "report.html").read_text()

    failed = confirmation_of(study, plan, {"trial 0 seed 1": "the loss is nan"})
    assert failed is not None
    assert list(failed.failures) == ["default", "trial 0"]


def test_of_several_the_best_is_picked_by_fresh_seeds_on_the_frames_of_the_search(file: StudyFile, tmp_path: Path):
    several = load_study(file.document.file, {"confirm.top": 3, "budget.trials": 3})
    study, plan = open_study(several, tmp_path / "out"), Plan(several, tmp_path / "out")
    write_study(several, tmp_path / "out")
    for number, value in enumerate((0.5, 0.4, 0.3)):
        study.ask()
        study.complete(number, [value])
    jobs = {job.name: job for job in [*plan.confirmed_baselines(), *plan.confirmations(study)]}
    assert {job.settings.evaluation.split for name, job in jobs.items() if name.endswith("val")} == {"val"}
    assert jobs["trial 1 seed 2 val"].settings.seed == jobs["trial 1 seed 2"].settings.seed == 2
    gains = {"trial 0": (0.3, -0.3), "trial 1": (0.1, 0.2), "trial 2": (0.01, 0.02)}
    *others, last = jobs.items()
    for name, job in others:
        trial, seed = name.split(" seed ")
        finish(job, gains[trial][int(seed[0]) - 1] if name.endswith("val") else 0.0)
    assert confirmation_of(study, plan, {}) is None

    finish(last[1], 0.02)
    confirmed = confirmation_of(study, plan, {})

    assert confirmed is not None
    assert [run.name for run in confirmed.runs[2:]] == ["default", "trial 1", "trial 2", "trial 0"]
    assert confirmed.best == "trial 1"
    mean = report(0.15).mean_miou
    assert [run.selection for run in confirmed.runs[:4]] == [None, None, None, pytest.approx(mean)]
    written = write_outputs(study, plan, {}).confirmed
    assert written == confirmed
    failed = confirmation_of(study, plan, {"trial 1 seed 2 val": "its worker died"})
    assert failed is not None
    assert (failed.best, failed.failures) == ("trial 2", {"trial 1": "seed 2: its worker died"})


def test_failures_outlive_their_session_until_the_run_is_made_up_for(study: Study, plan: Plan):
    jobs = {job.name: job for job in [*plan.baselines(), *plan.confirmed_baselines(), *plan.confirmations(study)]}
    for name, job in jobs.items():
        if name not in ("batch_norm", "trial 0 seed 2"):
            finish(job)
    reasons = {"batch_norm": "its worker died", "trial 0 seed 2": "the loss is nan"}

    assert write_outputs(study, plan, reasons).failures == reasons
    again = write_outputs(study, plan, {})
    assert again.failures == json.loads((plan.out / "failures.json").read_text()) == reasons
    assert again.confirmed is not None
    assert again.confirmed.best is None
    assert again.confirmed.failures == {"trial 0": "seed 2: the loss is nan"}
    for reason in reasons.values():
        assert reason in (plan.out / "report.html").read_text()

    for name in reasons:
        finish(jobs[name])
    assert write_outputs(study, plan, {}).failures == {}
    assert not (plan.out / "failures.json").exists()


def test_study_yaml_keeps_what_former_sessions_ran_with(file: StudyFile, tmp_path: Path):
    path = tmp_path / "study.yaml"
    write_study(file, tmp_path)
    once = path.read_text()
    write_study(file, tmp_path)
    assert path.read_text() == once

    for revision in ("older", "old"):
        path.write_text(f"# git revision {revision}\n# python 3, segada 0\n{path.read_text()}")
    write_study(file, tmp_path)
    heads = [line for line in path.read_text().splitlines() if line.startswith("# git revision")]

    assert path.read_text().startswith(once.split("name:")[0])
    assert heads[1:3] == ["# git revision old", "# git revision older"]
    assert load_study(str(path)).identity == file.identity


def test_a_foreign_trial_without_the_limits_does_not_bar_the_default_configuration(tmp_path: Path):
    path = tmp_path / "limited.yaml"
    path.write_text(STUDY + "constraints: [{metric: peak_memory, at_most: 900}]\n")
    limited = load_study(str(path))
    study, plan = open_study(limited, tmp_path / "out"), Plan(limited, tmp_path / "out")
    write_study(limited, tmp_path / "out")
    study.ask()
    study.complete(0, [0.5], [-1.0])
    study.optuna_study.add_trial(
        create_trial(params={"x": 1.0}, distributions={"x": FloatDistribution(0, 2)}, value=0.9)
    )
    study.close()
    for job in [*plan.confirmed_baselines(), *plan.confirmations(study)]:
        better = 0.2 * job.name.startswith("default")
        whole = report(better, seed=job.settings.seed).model_copy(update={"peak_memory": 800.0})
        leave_run(job, whole, random_areas(np.random.default_rng(0), 0.6 + better, frames=8))
    confirmed = confirmation_of(study, plan, {})
    assert confirmed is not None
    assert (confirmed.best, confirmed.by_mean) == ("trial 0", "default")
