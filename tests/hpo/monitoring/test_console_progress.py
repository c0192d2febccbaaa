"""Tests of the driver's progress output, in a terminal and in a file."""

import io
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.trial import FrozenTrial, create_trial
from rich.console import Console
from study_samples import report

from hpo.config.study_file import StudyFile, load_study
from hpo.monitoring import progress
from hpo.monitoring.progress import ConsoleReporter
from hpo.monitoring.trial_counts import TrialCounts
from hpo.study.budget import TrialBudget
from hpo.study.jobs import Job, Outcome

VISITS = {"run.stream.visits": ["clear", "50mm", "200mm"]}


class Clock:
    """Of a session in which time passes when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress.time, "monotonic", clock.monotonic)
    return clock


@pytest.fixture
def file() -> StudyFile:
    return load_study("smoke.yaml", VISITS | {"budget.trials": 4})


class Trials:
    """Trials of a study as its storage has them, while a driver works on it."""

    def __init__(self, budget: int) -> None:
        self.counts = TrialCounts(TrialBudget(budget))

    def are(self, best: float | None = None, **counts: int) -> None:
        self.counts = TrialCounts(replace(self.counts.budget, **counts), None if best is None else _trial_0(best))


def _trial_0(value: float) -> FrozenTrial:
    trial = create_trial(value=value)
    trial.number = 0
    return trial


@pytest.fixture
def trials() -> Trials:
    return Trials(4)


def view(
    file: StudyFile, *, terminal: bool, jobs: int = 4, trials: Trials | None = None
) -> tuple[ConsoleReporter, Console]:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=200, color_system=None)
    found = trials or Trials(4)
    return ConsoleReporter(console, file.settings, lambda: found.counts, jobs), console


def job_of(file: StudyFile, number: int) -> Job:
    return Job("trial", f"trial {number}", Path(), file.run_settings(), number, {})


def shown(seen: ConsoleReporter, console: Console) -> str:
    with console.capture() as capture:
        console.print(seen._view())
    return capture.get()


def test_a_line_per_running_trial_with_visit_domain_and_miou_so_far(file: StudyFile, clock: Clock) -> None:
    seen, console = view(file, terminal=True)
    for number in (0, 1):
        seen.started(job_of(file, number))
    seen.visited(job_of(file, 1), report(0.1, visits=2))
    first, second, summary = shown(seen, console).splitlines()
    assert first.startswith("trial 0")
    assert first.rstrip().endswith("visit 0/3")
    assert second.startswith("trial 1")
    assert "visit 2/3, 50mm, mIoU so far 67.0 %" in second
    assert summary.startswith("0 of 4 trials over (0 complete, 0 pruned, 0 failed), 4 to start")


def test_best_counts_and_the_end_that_is_to_be_expected(file: StudyFile, clock: Clock, trials: Trials) -> None:
    seen, console = view(file, terminal=True, trials=trials)
    for number in (0, 1, 2):
        seen.started(job_of(file, number))
    clock.now += 60
    seen.ended(job_of(file, 0), Outcome("complete", report(0.1)))
    # Another driver has completed trial 3 meanwhile.
    trials.are(0.557, complete=2, pruned=1, running=1)
    seen.ended(job_of(file, 1), Outcome("pruned", report(0.2, visits=1), "stopped after visit 1"))
    summary = shown(seen, console).splitlines()[-1]
    counts = "3 of 4 trials over (2 complete, 1 pruned, 0 failed), 1 running"
    assert f"{counts} · best trial 0: mean mIoU 55.7 %" in summary
    # Two runs took a minute: the other two, of which one is running, will.
    assert "about 1:00 left, until " in summary
    for visits in (1, 2):
        seen.visited(job_of(file, 2), report(0.1, visits=visits))
    assert "about 0:30 left" in shown(seen, console)
    trials.are(0.557, failed=1, running=0)
    seen.ended(job_of(file, 2), Outcome("fail", None, "the loss <mix> is nan"))
    assert "4 of 4 trials over (2 complete, 1 pruned, 1 failed) · " in shown(seen, console)


def test_a_run_that_goes_on_does_not_make_the_session_look_fast(file: StudyFile, clock: Clock) -> None:
    seen, console = view(file, terminal=True, jobs=2)
    seen.started(job_of(file, 0))
    clock.now += 10
    seen.visited(job_of(file, 0), report(0.1, visits=2))
    # One visit in ten seconds; that of the running job and three of the other are left.
    assert "about 0:40 left" in shown(seen, console)


def test_the_line_of_a_trial_that_breaks_a_limit_says_by_how_much(clock: Clock) -> None:
    limits = {"constraints": [{"metric": "frames_per_second", "at_least": 9.0}]}
    file = load_study("smoke.yaml", VISITS | limits)
    seen, console = view(file, terminal=False)
    seen.started(job_of(file, 0))
    seen.ended(job_of(file, 0), Outcome("complete", report(0.1)))
    assert ", 200mm 33.0 %, falls short of frames_per_second 9 by 1, 0 s · " in console.file.getvalue()


@pytest.mark.parametrize(
    ("name", "least", "warned"), [("source_only", 0.6, 1), ("source_only", 0.5, 0), ("other", 0.6, 0)]
)
def test_the_run_of_the_source_model_warns_if_it_does_not_work(name: str, least: float, warned: int) -> None:
    file = load_study("smoke.yaml", VISITS | {"confirm.source_at_least": least})
    seen, console = view(file, terminal=False)
    job = Job("baseline", name, Path(), file.run_settings(), None, {})
    with console.capture() as capture:
        seen.started(job)
        seen.ended(job, Outcome("complete", report(0.0)))
    text = "The source model does not work on its own domain: 59.0 % mIoU in clear, below 60.0 %"
    assert capture.get().count(text) == warned


def test_plain_lines_where_there_is_no_terminal(file: StudyFile, clock: Clock) -> None:
    seen, console = view(file, terminal=False)
    with seen:
        for number in (0, 1):
            seen.started(job_of(file, number))
        clock.now += 5
        seen.visited(job_of(file, 0), report(0.1, visits=1))
        clock.now += 30
        seen.visited(job_of(file, 0), report(0.1, visits=2))
        seen.visited(job_of(file, 0), report(0.1))
        seen.ended(job_of(file, 0), Outcome("complete", report(0.1)))
    lines = console.file.getvalue().splitlines()
    assert lines[0] == "trial 0: visit 2/3, 50mm, mIoU so far 67.0 %"
    assert lines[1].startswith("trial 0: mIoU 55.7 % (+10.0 over source only), 200mm 33.0 %, 35 s · 0 of 4 trials over")
    assert lines[2] == "this session: 1 run in 0:35"
    assert len(lines) == 3
