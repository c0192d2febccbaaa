"""Tests of trials that people close, repeat and exclude while a driver runs them."""

from pathlib import Path

import numpy as np
import optuna
import pytest
from optuna.trial import TrialState
from study_samples import leave_run, report
from study_texts import study_text

from hpo.config.study_file import StudyFile, load_study
from hpo.monitoring.trial_counts import count_trials
from hpo.orchestration.coordinator import RunCoordinator
from hpo.results.collect import results_of
from hpo.study.edits import exclude, retry, stop
from hpo.study.jobs import Job, Outcome, RunUpdate
from hpo.study.plan import Plan
from hpo.study.provenance import write_study
from hpo.study.study import Study, open_study
from segada.records import RunReport

STUDY = study_text("budget: {trials: 3}", "confirm: {top: 1, seeds: 1}")


class Ends:
    """Observer that remembers how jobs ended."""

    def __init__(self) -> None:
        self.of: dict[str, Outcome] = {}
        self.began: list[str] = []

    def started(self, job: Job) -> None:
        self.began.append(job.name)

    def visited(self, job: Job, report: RunReport) -> None:
        assert job.name not in self.of
        assert report.visits

    def ended(self, job: Job, outcome: Outcome) -> None:
        self.of[job.name] = outcome


class Desk:
    """One driver's study and coordinator."""

    def __init__(self, file: StudyFile, out: Path) -> None:
        self.study: Study = open_study(file, out)
        self.plan = Plan(file, out)
        self.ends = Ends()
        self.coordinator = RunCoordinator(self.study, self.plan, [self.ends])  # type: ignore[list-item]
        write_study(file, out)

    def job(self, name: str) -> Job:
        """Finishes every run before the one with this name, which is returned."""
        while (job := self.coordinator.next_job()) is not None and job.name != name:
            self.finish(job)
        assert job is not None
        return job

    def visit(self, job: Job, visits: int, gain: float = 0.0) -> bool:
        whole = report(gain, visits)
        if visits == 3:
            leave_run(job, whole, np.ones((4, 3, 19), np.int64))
        return self.coordinator.visited(job, RunUpdate(report=whole, finished=visits == 3))

    def finish(self, job: Job, gain: float = 0.0) -> None:
        for visits in (1, 2, 3):
            if not self.visit(job, visits, gain):
                return


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def desk(tmp_path: Path, out: Path) -> Desk:
    (tmp_path / "study-file.yaml").write_text(STUDY)
    return Desk(load_study(str(tmp_path / "study-file.yaml")), out)


@pytest.mark.parametrize(
    ("state", "values", "word"),
    [(TrialState.FAIL, None, "fail"), (TrialState.PRUNED, None, "pruned"), (TrialState.COMPLETE, [0.9], "complete")],
)
def test_a_trial_that_is_closed_from_outside_ends_at_the_next_visit(desk, out, state, values, word):
    job = desk.job("trial 1")
    assert desk.visit(job, 1)
    job.folder.mkdir(parents=True)
    (job.folder / "visits.jsonl").write_text(report(0.0, 1).visits[0].model_dump_json() + "\n")
    optuna.load_study(study_name="tiny", storage=desk.study._storage).tell(1, values, state)
    assert not desk.visit(job, 2)

    told = f"told {state.name} from outside"
    assert desk.ends.of["trial 1"] == Outcome(word, None, told)
    assert desk.coordinator.running == 0
    desk.job("trial 2")
    assert desk.ends.began.count("trial 1") == 1
    result = results_of(desk.study, desk.plan, None).trials[1]
    assert (result.state, result.reason) == (word, told)
    # The files of its run are no damage, and are not completed.
    assert list(desk.plan.repairs(desk.study)) == []
    assert results_of(desk.study, desk.plan, None).damages == ()


@pytest.mark.parametrize("end", ["failed by itself", "worker died"])
def test_the_end_from_outside_holds_when_the_run_ends_otherwise(desk, end):
    job = desk.job("trial 1")
    desk.study.optuna_study.tell(1, state=TrialState.PRUNED)
    if end == "worker died":
        desk.coordinator.recovered(job, "killed")
        desk.coordinator.broke(job, "killed")
    else:
        desk.coordinator.visited(job, RunUpdate(report=None, finished=False, failure="the loss is not finite"))
    assert desk.ends.of["trial 1"] == Outcome("pruned", None, "told PRUNED from outside")


def test_a_stopped_trial_ends_at_the_next_visit_with_the_reason_and_is_not_repeated(desk, out):
    job = desk.job("trial 1")
    assert desk.visit(job, 1)
    assert stop(out, 1, "needs\n too long") == [
        "trial 1 is closed as failed: needs too long; a driver that runs it stops after the current visit"
    ]
    assert not desk.visit(job, 2)
    assert desk.ends.of["trial 1"] == Outcome("fail", None, "needs too long")
    desk.job("trial 2")
    assert desk.ends.began.count("trial 1") == 1


def test_a_retry_runs_outside_the_budget_and_before_the_confirmation(desk, out):
    job = desk.job("trial 1")
    desk.coordinator.visited(job, RunUpdate(report=None, finished=False, failure="the loss is not finite"))
    desk.job("source_only seed 1")
    assert desk.study.is_search_over()
    retry(out, 1)
    assert not desk.study.is_search_over()
    again = desk.job("trial 3")
    assert again.is_retry
    assert again.parameters == job.parameters
    desk.finish(again, 0.04)
    desk.job("trial 3 seed 1")
    budget = count_trials(desk.study).budget
    assert (budget.over, budget.complete, budget.failed, budget.uncounted) == (3, 2, 1, 1)
    assert desk.study.remaining() == 0
    assert [trial.number for trial in desk.study.best(1)] == [3]


def test_the_next_best_is_confirmed_if_the_best_is_excluded_meanwhile(desk, out):
    desk.finish(desk.job("trial 1"), 0.03)
    desk.finish(desk.job("trial 2"), 0.02)
    first = desk.job("trial 1 seed 1")
    exclude(out, 1, "a bug")
    desk.finish(first)
    desk.job("trial 2 seed 1")
    results = results_of(desk.study, desk.plan, None)
    assert results.best is not None
    assert results.best.number == 2
    assert results.trials[1].reason == "excluded: a bug"


def test_observers_hear_of_a_trial_that_fails_because_of_its_point(desk):
    desk.job("trial 1")
    desk.study.optuna_study.enqueue_trial({"x": 1.0})
    assert desk.coordinator.next_job().name == "source_only seed 1"
    assert desk.ends.of["trial 2"].state == "fail"
    assert "x is not a parameter of this space" in desk.ends.of["trial 2"].reason
