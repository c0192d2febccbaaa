"""Tests that every view of a study's budget has the same numbers in the same words."""

import io
import itertools
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from study_samples import results
from study_texts import study_text

from hpo.config.study_file import load_study
from hpo.monitoring.progress import ConsoleReporter
from hpo.monitoring.status import StudyStatus
from hpo.monitoring.status_view import print_plain
from hpo.monitoring.study_folder import _next_steps
from hpo.monitoring.summary import print_summary
from hpo.monitoring.trial_counts import TrialCounts
from hpo.reporting.budget import confirmation_line, cures, trials_line
from hpo.reporting.conclusion import search_line
from hpo.reporting.page import page
from hpo.results.digest import Visits
from hpo.results.results import StudyResults, TrialResult
from hpo.study.budget import ConfirmationBudget, TrialBudget
from hpo.study.study import open_study

FEW = st.integers(0, 3)
BUDGETS = st.builds(
    TrialBudget,
    trials=st.integers(1, 8),
    complete=st.just(0),
    pruned=FEW,
    failed=FEW,
    running=FEW,
    waiting=FEW,
    ended_by=st.sampled_from(["", "hours"]),
)


def results_of(budget: TrialBudget) -> StudyResults:
    """Results of a study whose trials have these states."""
    counts = {"pruned": budget.pruned, "fail": budget.failed, "running": budget.running, "waiting": budget.waiting}
    states = itertools.chain.from_iterable([state] * count for state, count in counts.items())
    trials = tuple(
        TrialResult(number, state, (), {}, Visits.of([]), None, 0.0, "nan") for number, state in enumerate(states)
    )
    return replace(
        results(None), trials=trials, best=None, budget_trials=budget.trials, ended_by=budget.ended_by, baselines={}
    )


def status_of(budget: TrialBudget, confirmation: ConfirmationBudget) -> StudyStatus:
    """Status as the command reads it from JSON."""
    status = StudyStatus(
        name="tiny",
        place="out",
        trials=budget.trials,
        complete=budget.complete,
        pruned=budget.pruned,
        failed=budget.failed,
        running=[],
        failures={},
        incidents={},
        best_trial=None,
        best={},
        baselines=0,
        confirmed=confirmation.done,
        to_confirm=confirmation.planned,
        visits_per_minute=None,
        seconds_left=None,
        drivers=[],
        trials_running=budget.running,
        trials_to_start=budget.to_start,
        trials_enqueued=budget.enqueued,
        trials_beyond=budget.beyond,
        ended_by=budget.ended_by,
        confirmation_failed=confirmation.failed,
        is_search_over=confirmation.is_final,
    )
    return StudyStatus.model_validate_json(status.model_dump_json())


@given(BUDGETS)
def test_what_is_over_runs_and_starts_makes_up_the_budget(budget: TrialBudget) -> None:
    assert budget.trials is not None
    assert budget.over + budget.running == budget.started
    assert budget.enqueued + budget.beyond == budget.waiting
    assert budget.left == budget.running + budget.to_start
    if budget.ended_by or budget.started > budget.trials:
        assert budget.to_start == 0
    else:
        assert budget.started + budget.to_start == budget.trials


@given(BUDGETS)
def test_all_views_say_the_same(budget: TrialBudget) -> None:
    line, found = trials_line(budget), results_of(budget)
    assert found.budget == budget
    assert search_line(found).startswith(line)
    said: list[str] = []
    status = status_of(budget, ConfirmationBudget(0))
    assert status.budget == budget
    print_plain(status, said.append)
    assert f"search: {line}" in said
    text = io.StringIO()
    print_summary(found, Path("out"), Console(file=text, width=400))
    assert f"search: {line}" in text.getvalue()
    for sentence in cures(budget):
        assert sentence in text.getvalue()
    console = Console(file=io.StringIO(), width=200)
    live = ConsoleReporter(console, load_study("smoke").settings, lambda: TrialCounts(budget), 3)
    assert live._summary() == line


@given(BUDGETS)
def test_words_agree_with_their_numbers(budget: TrialBudget) -> None:
    for text in (trials_line(budget), *cures(budget)):
        for number, noun in re.findall(r"(\d+) (?:enqueued )?(trials?)\b", text):
            assert noun == ("trial" if number == "1" else "trials")
    assert len(cures(budget)) <= 1
    assert (budget.beyond > 0) <= bool(cures(budget))


@given(st.integers(0, 5), st.integers(0, 5), st.integers(0, 5), st.booleans())
def test_the_confirmation_is_counted_in_the_same_words(done: int, failed: int, left: int, is_final: bool) -> None:
    budget = ConfirmationBudget(done + failed + left, done, failed, is_final)
    assert budget.left == left
    status = status_of(TrialBudget(2), budget)
    assert status.confirmation == budget
    said: list[str] = []
    print_plain(status, said.append)
    assert (f"confirmation: {confirmation_line(budget)}" in said) == (budget.planned > 0)
    assert ("at most" in confirmation_line(budget)) == (not is_final)


def test_the_report_has_the_line_too() -> None:
    budget = TrialBudget(5, failed=1, running=1, waiting=1)
    assert f"{trials_line(budget)}, 4:07 in all" in page(results_of(budget))
    assert trials_line(budget) == (
        "1 of 5 trials over (0 complete, 0 pruned, 1 failed), 1 running, 3 to start (1 enqueued)"
    )


@pytest.mark.parametrize(
    ("budget", "line", "cure"),
    [
        (TrialBudget(1, failed=1), "1 of 1 trial over (0 complete, 0 pruned, 1 failed)", None),
        (TrialBudget(3, complete=5), "5 trials over, for a budget of 3 (5 complete, 0 pruned, 0 failed)", None),
        (TrialBudget(None, complete=1), "1 trial over (1 complete, 0 pruned, 0 failed)", None),
        (
            TrialBudget(4, complete=1, waiting=2, ended_by="hours"),
            "1 of 4 trials over (1 complete, 0 pruned, 0 failed), none to start: budget.hours are over",
            "budget.hours are over before the last 3 trials; --set budget.hours=N, with another number, goes on",
        ),
        (
            TrialBudget(2, complete=2, waiting=2),
            "2 of 2 trials over (2 complete, 0 pruned, 0 failed)",
            "2 enqueued trials wait beyond the budget; --trials 4 runs them",
        ),
    ],
)
def test_odd_budgets(budget: TrialBudget, line: str, cure: str | None) -> None:
    assert trials_line(budget) == line
    assert cures(budget) == ([] if cure is None else [cure])


def test_a_next_step_names_the_command_only_if_an_option_of_it_helps() -> None:
    exhausted, over = (TrialBudget(8, pruned=3, ended_by=end) for end in ("space", "hours"))
    assert _next_steps(results_of(exhausted), "hpo run")[-1:] == cures(exhausted)
    assert _next_steps(results_of(over), "hpo run")[-1:] == [f"{sentence}, in hpo run" for sentence in cures(over)]


def test_a_study_hands_out_what_its_budget_says_is_left(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(
        study_text(
            "budget: {trials: 3}", "start_from: [{method.pseudo_threshold: 0.6}, {method.pseudo_threshold: 0.7}]"
        )
    )
    study = open_study(load_study(tmp_path / "tiny.yaml"), tmp_path / "out")
    handed = []
    while study.budget().to_start:
        enqueued = study.budget().enqueued
        proposal = study.ask()
        assert proposal is not None
        handed.append(enqueued)
    assert handed == [2, 1, 0]
    assert study.budget() == TrialBudget(3, running=3)
    assert not study.is_search_over()
    study.complete(0, [0.5])
    study.fail(1, "nan")
    study.prune(2)
    assert study.budget() == TrialBudget(3, complete=1, failed=1, pruned=1)
    assert study.is_search_over()
    study.file = study.file.with_trials(5)
    assert (study.remaining(), study.budget().to_start) == (2, 2)
    study.close()
    assert study.budget().ended_by == "hours"
    assert study.remaining() == 0
