"""Tests of the order of runs, with results in any order."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from optuna.trial import TrialState
from study_samples import leave_run, report, visit
from study_texts import study_text

from hpo.config.study_file import StudyFile, load_study
from hpo.orchestration.coordinator import RunCoordinator
from hpo.samplers.history import rung_losses_of
from hpo.study.attributes import REASON
from hpo.study.jobs import Job, Outcome, RunUpdate
from hpo.study.names import Repeat
from hpo.study.plan import Plan, undone
from hpo.study.study import Study, open_study
from segada.records import RunReport
from segada.settings.nested import at_path

STUDY = study_text(
    "budget: {trials: 3}", "pruning: {name: halving, min_visits: 1, reduction_factor: 2}", "confirm: {top: 1, seeds: 2}"
)


@dataclass
class Diary:
    """An observer that remembers."""

    started_jobs: list[str] = field(default_factory=list)
    ends: dict[str, Outcome] = field(default_factory=dict)
    reports: list[RunReport] = field(default_factory=list)
    exhaustions: list[str] = field(default_factory=list)

    def started(self, job: Job) -> None:
        self.started_jobs.append(job.name)

    def visited(self, job: Job, report: RunReport) -> None:
        assert job.name in self.started_jobs
        assert report.visits
        self.reports.append(report)

    def recovered(self, job: Job) -> None:
        raise AssertionError(f"no worker dies here, {job.name} least of all")

    def dropped(self, job: Job) -> None:
        raise AssertionError(f"nobody takes {job.name} away")

    def waiting(self, drivers: Sequence[str]) -> None:
        raise AssertionError(f"there is nobody to wait for, not even {drivers}")

    def exhausted(self, end: str) -> None:
        self.exhaustions.append(end)

    def ended(self, job: Job, outcome: Outcome) -> None:
        assert job.name not in self.ends
        self.ends[job.name] = outcome


@pytest.fixture
def file(tmp_path: Path) -> StudyFile:
    (tmp_path / "study-file.yaml").write_text(STUDY)
    return load_study(str(tmp_path / "study-file.yaml"))


@dataclass
class Desk:
    """An agenda with what it works on, as one driver has it."""

    study: Study
    coordinator: RunCoordinator
    diary: Diary


def opened(file: StudyFile, out: Path) -> Desk:
    study, diary = open_study(file, out), Diary()
    return Desk(study, RunCoordinator(study, Plan(file, out), [diary]), diary)


def finish(coordinator: RunCoordinator, job: Job, gain: float) -> None:
    """Lets a job do all its visits, as the engine would, and leaves the report that the engine would leave."""
    for visits in (1, 2, 3):
        whole = report(gain, visits)
        if visits == 3:
            leave_run(job, whole, np.ones((4, 3, 19), np.int64))
        if not coordinator.visited(job, RunUpdate(report=whole, finished=visits == 3)):
            return


def test_baselines_then_trials_then_confirmation_of_the_best(file, tmp_path):
    desk = opened(file, tmp_path / "out")
    gains = {"trial 0": 0.01, "trial 1": 0.03, "trial 2": 0.02}
    while (job := desk.coordinator.next_job()) is not None:
        finish(desk.coordinator, job, gains.get(job.name, 0.0))

    assert desk.coordinator.is_over
    assert not desk.coordinator.is_stopped
    assert desk.diary.started_jobs == [
        *("source_only", "batch_norm", "trial 0", "trial 1", "trial 2"),
        *("source_only seed 1", "source_only seed 2", "batch_norm seed 1", "batch_norm seed 2"),
        *("trial 1 seed 1", "trial 1 seed 2", "default seed 1", "default seed 2"),
    ]


def test_a_trial_is_scored_on_other_frames_and_seeds_than_its_confirmation(file, tmp_path):
    plan = Plan(file, tmp_path)

    assert plan.search_settings().evaluation.split == "val"
    assert [plan.confirmation_settings(one).evaluation.split for one in plan.repeats] == ["test", "test"]
    assert plan.search_settings().seed not in plan.seeds


def test_the_default_is_confirmed_beside_the_best_and_not_twice_if_it_is_among_them(file, tmp_path):
    path = Path(file.document.file)
    path.write_text(STUDY.replace("high: 0.9", "high: 0.9, default: 0.75"))
    with_default = load_study(str(path), {"confirm.top": 2})
    desk = opened(with_default, tmp_path / "out")
    left = []
    while (job := desk.coordinator.next_job()) is not None:
        left.append(Plan(with_default, tmp_path / "out").jobs_left(desk.study))
        finish(desk.coordinator, job, 0.0)

    # Until the best are known, room is kept for the default beside them; several run on two sets of frames.
    assert left[0] == 2 + 3 + 2 * 2 + (2 * 2 + 1) * 2
    assert desk.study.optuna_study.trials[0].params == {"method.pseudo_threshold": 0.75}
    twice = [f"trial {number} seed {seed}" for number in (0, 1) for seed in (1, 2)]
    assert desk.diary.started_jobs[-8:] == [*twice, *(f"{name} val" for name in twice)]

    whole = opened(load_study(str(path)), tmp_path / "whole")
    values = {}
    while (job := whole.coordinator.next_job()) is not None:
        values[job.name] = getattr(job.settings.method, "pseudo_threshold", None)
        finish(whole.coordinator, job, {"trial 1": 0.05}.get(job.name, 0.0))
    assert values["default seed 2"] == 0.75 != values["trial 1 seed 2"]


def test_a_space_without_defaults_has_the_settings_of_the_run_for_them(file, tmp_path):
    plan = Plan(file, tmp_path)

    assert plan.default().values == {}
    assert plan.confirmation_settings(Repeat(0, 1), plan.default()) == plan.confirmation_settings(Repeat(0, 1))


def test_nothing_is_confirmed_while_a_trial_runs(file, tmp_path):
    desk = opened(file, tmp_path / "out")
    jobs = [desk.coordinator.next_job() for _ in range(9)]
    assert desk.coordinator.next_job() is None
    assert not desk.coordinator.is_over

    for job in jobs:
        finish(desk.coordinator, job, 0.01)

    assert desk.coordinator.next_job().name == "trial 0 seed 1"


@pytest.mark.parametrize(("value", "state"), [("gain_so_far", "pruned"), ("projected_gain", "complete")])
def test_a_trial_goes_on_or_not_by_what_the_study_judges_it_by(file, tmp_path, value, state):
    desk = opened(load_study(file.document.file, {"pruning.value": value}), tmp_path / "out")
    jobs = {job.name: job for job in (desk.coordinator.next_job() for _ in range(5))}
    for name in ("trial 0", "trial 1"):
        finish(desk.coordinator, jobs[name], 0.05)
    # Behind on the domain that it has seen, ahead on those that are still to come.
    first = visit(0, 0.1)
    slow = first.model_copy(update={"miou": {**first.miou, first.domain: first.miou[first.domain] - 0.1}})
    goes_on = desk.coordinator.visited(
        jobs["trial 2"], RunUpdate(report=report(0.0, 1).model_copy(update={"visits": [slow]}), finished=False)
    )
    assert goes_on == (state == "complete")
    finish(desk.coordinator, jobs["trial 2"], 0.1)
    assert desk.diary.ends["trial 2"].state == state


def test_a_pruned_trial_is_told_as_pruned_and_runs_no_further(file, tmp_path):
    desk = opened(file, tmp_path / "out")
    jobs = {job.name: job for job in (desk.coordinator.next_job() for _ in range(5))}
    for name, gain in (("trial 0", 0.05), ("trial 1", 0.05), ("trial 2", -0.2)):
        finish(desk.coordinator, jobs[name], gain)

    assert desk.diary.ends["trial 2"].state == "pruned"
    trial = desk.study.optuna_study.trials[2]
    assert trial.state == TrialState.PRUNED
    # Neither a baseline nor a trial that is over listens any more.
    assert not desk.coordinator.visited(jobs["trial 2"], RunUpdate(report=report(0.3), finished=True))
    desk.coordinator.recovered(jobs["trial 2"], "killed")
    desk.coordinator.broke(jobs["trial 2"], "its worker died")
    assert desk.study.optuna_study.trials[2].state == TrialState.PRUNED


def test_a_failed_trial_says_why_and_the_study_goes_on(file, tmp_path):
    desk = opened(file, tmp_path / "out")
    jobs = {job.name: job for job in (desk.coordinator.next_job() for _ in range(5))}
    desk.coordinator.visited(jobs["trial 0"], RunUpdate(report=None, finished=False, failure="the loss is nan"))
    desk.coordinator.broke(jobs["trial 1"], "its worker died")
    desk.coordinator.broke(jobs["trial 1"], "said twice")
    finish(desk.coordinator, jobs["trial 2"], 0.01)

    reasons = [trial.user_attrs.get(REASON) for trial in desk.study.optuna_study.trials]
    assert reasons == ["the loss is nan", "its worker died", None]
    assert [trial.state.name for trial in desk.study.optuna_study.trials] == ["FAIL", "FAIL", "COMPLETE"]


def test_visits_that_a_dying_worker_could_not_report_reach_the_pruner(file, tmp_path):
    desk = opened(file, tmp_path / "out")
    jobs = {job.name: job for job in (desk.coordinator.next_job() for _ in range(3))}

    desk.coordinator.visited(jobs["trial 0"], RunUpdate(report=report(0.1, visits=2), finished=False))

    assert rung_losses_of(desk.study.optuna_study.trials[0]) == {1: [pytest.approx(-0.1)], 2: [pytest.approx(-0.1)]}


def test_a_verdict_on_an_earlier_visit_counts_though_later_ones_come_with_it(file, tmp_path):
    desk = opened(file, tmp_path / "out")
    jobs = {job.name: job for job in (desk.coordinator.next_job() for _ in range(5))}
    for name in ("trial 0", "trial 1"):
        finish(desk.coordinator, jobs[name], 0.05)

    assert not desk.coordinator.visited(jobs["trial 2"], RunUpdate(report=report(-0.2, visits=2), finished=False))
    assert desk.diary.ends["trial 2"].state == "pruned"
    assert desk.study.optuna_study.trials[2].state == TrialState.PRUNED


def test_a_report_of_other_settings_is_not_taken_for_the_jobs(file, tmp_path):
    job = next(Plan(file, tmp_path).baselines())
    job.folder.mkdir(parents=True)
    (job.folder / "report.json").write_text(report(0.0).model_dump_json())

    assert undone([job]) == [job]


def test_when_the_hours_are_over_the_best_so_far_is_confirmed_and_that_is_all(file, tmp_path, monkeypatch):
    out, clock = tmp_path / "out", [0.0]
    monkeypatch.setattr("hpo.orchestration.coordinator.time.monotonic", lambda: clock[0])
    short = load_study(file.document.file, {"budget.hours": 1})
    first = opened(short, out)
    jobs = {job.name: job for job in (first.coordinator.next_job() for _ in range(4))}
    for name in ("source_only", "batch_norm", "trial 0"):
        finish(first.coordinator, jobs[name], 0.01)
    clock[0] = 3601.0
    assert first.coordinator.next_job().name == "source_only seed 1"
    assert first.study.remaining() == 1
    first.coordinator.stop()

    # A later driver, whose clock is new, ends what had begun and confirms it.
    second = opened(short, out)
    while (job := second.coordinator.next_job()) is not None:
        finish(second.coordinator, job, 0.02)
    assert second.diary.started_jobs[0] == "trial 1"
    assert second.diary.started_jobs[-4:-2] == ["trial 1 seed 1", "trial 1 seed 2"]
    assert second.study.is_search_over()
    assert Plan(short, out).jobs_left(second.study) == 0

    # Another budget opens the search again.
    assert not open_study(file, out).is_search_over()


def test_a_stopped_agenda_lets_visits_end_and_the_next_one_takes_up_the_rest(file, tmp_path):
    out = tmp_path / "out"
    first = opened(file, out)
    jobs = {job.name: job for job in (first.coordinator.next_job() for _ in range(4))}
    finish(first.coordinator, jobs["source_only"], 0.0)
    finish(first.coordinator, jobs["trial 0"], 0.01)
    first.coordinator.stop()
    assert not first.coordinator.visited(jobs["trial 1"], RunUpdate(report=report(0.02, visits=1), finished=False))
    assert first.coordinator.next_job() is None
    assert first.coordinator.is_over
    # As Tune does, which says the visit once more when it stops the job.
    told = len(first.diary.reports)
    first.coordinator.visited(jobs["trial 1"], RunUpdate(report=report(0.02, visits=1), finished=False))
    assert len(first.diary.reports) == told

    second = opened(file, out)
    again = {}
    while (job := second.coordinator.next_job()) is not None:
        again[job.name] = job
        finish(second.coordinator, job, 0.02)

    assert list(again)[:3] == ["batch_norm", "trial 1", "trial 2"]
    assert again["trial 1"].settings == jobs["trial 1"].settings
    assert again["trial 1"].folder == jobs["trial 1"].folder
    assert [trial.state.name for trial in second.study.optuna_study.trials] == ["COMPLETE"] * 3


def test_a_failure_that_no_parameter_can_have_caused_stops_everything(file, tmp_path):
    desk = opened(file, tmp_path / "out")
    said = RunUpdate(report=None, finished=False, failure="too small", fails_alike=True)
    for _ in ("source_only", "batch_norm"):
        finish(desk.coordinator, desk.coordinator.next_job(), 0.0)
    path = "method.pseudo_threshold"
    value = at_path(Plan(file, tmp_path).search_settings().model_dump(mode="json"), path.split("."))
    desk.coordinator.visited(replace(desk.coordinator.next_job(), parameters={path: value}), said)
    assert desk.coordinator.obstacle is None
    assert desk.study.optuna_study.trials[0].state.name == "FAIL"

    desk.coordinator.visited(replace(desk.coordinator.next_job(), parameters={path: 0.123}), said)

    assert desk.coordinator.obstacle is not None
    assert desk.coordinator.obstacle.failure == "too small"
    assert desk.coordinator.is_over


def test_frames_that_cannot_be_had_stop_everything(file, tmp_path):
    desk = opened(file, tmp_path / "out")
    job = desk.coordinator.next_job()
    said = RunUpdate(report=None, finished=False, failure="no folder x", concerns_all=True, path=("data", "root"))
    desk.coordinator.visited(job, said)

    obstacle = desk.coordinator.obstacle
    assert obstacle is not None
    assert (obstacle.failure, obstacle.path) == ("no folder x", ("data", "root"))
    assert desk.coordinator.is_over
    assert desk.diary.ends == {}
