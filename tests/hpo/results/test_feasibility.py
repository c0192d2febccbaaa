"""Tests of constraints: what is measured, what is said of it, and that what is not known to keep them never leads."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from study_samples import confirmation, report, results
from study_texts import study_text

from hpo.config.objectives import ConstraintSettings
from hpo.config.study_file import load_study
from hpo.monitoring.trial_counts import count_trials
from hpo.reporting.conclusion import conclusion
from hpo.reporting.feasibility import constraint_value, passed_over, violation
from hpo.reporting.figures import history
from hpo.reporting.page import page
from hpo.results.feasibility import ConstraintResult, constraint_results, mean_violations, recorded_results
from hpo.results.results import StudyResults, write_csv
from hpo.study.study import Study, open_study
from hpo.tracking.leaderboard import concluded

MEMORY = ConstraintSettings(metric="peak_memory", at_most=900)
SPEED = ConstraintSettings(metric="frames_per_second", at_least=10)


def constrained(*excesses: float) -> StudyResults:
    """A study whose complete trials 0 (46 %) and 1 (50 %) exceed the limit of memory by so much."""
    found = results(None)
    trials = list(found.trials)
    for number, excess in enumerate(excesses):
        (result,) = recorded_results([MEMORY], {MEMORY.text: excess})
        trials[number] = replace(trials[number], constraints=(result,))
    best = max((number for number, excess in enumerate(excesses) if excess <= 0), default=None)
    return replace(found, trials=tuple(trials), limits=(MEMORY.text,), best=None if best is None else trials[best])


@given(st.sampled_from([MEMORY, SPEED]), st.floats(-1e6, 1e6), st.floats(1e-9, 1e6))
def test_the_value_that_is_shown_lies_on_its_side_of_the_limit(
    constraint: ConstraintSettings, at: float, by: float
) -> None:
    limit = constraint.model_copy(update={"at_most" if constraint.at_least is None else "at_least": at})
    for excess in (by, -by, 0.0):
        (result,) = recorded_results([limit], {limit.text: excess})
        assert result.value is not None
        exact = result.value > at if result.is_upper else result.value < at
        shown = float(constraint_value(result))
        if exact == (not result.is_kept):
            assert (shown > at if result.is_upper else shown < at) == exact


def test_a_limit_that_is_broken_is_said_with_metric_limit_and_amount() -> None:
    whole = report(0.0)
    memory, speed = constraint_results([MEMORY, SPEED], whole)
    # The report of the samples has no peak memory, and 8 frames per second.
    assert (memory.value, memory.is_kept, violation(memory)) == (
        None,
        False,
        "does not define peak_memory, which must be at most 900",
    )
    assert violation(speed) == "falls short of frames_per_second 10 by 2"
    assert (speed.value, speed.excess) == (pytest.approx(8.0), pytest.approx(2.0))
    assert violation(recorded_results([SPEED], {})[0]) == "has no record of frames_per_second at least 10.0"
    assert mean_violations([MEMORY, SPEED], [whole, whole]) == {SPEED.text: pytest.approx(2.0)}


def test_the_better_trial_that_breaks_a_limit_is_passed_over_everywhere() -> None:
    found = constrained(-12.0, 12.0)
    assert [trial.number for trial in found.completed()] == [0, 1]
    assert passed_over(found) == ["Trial 1 has mean mIoU 50.0 % but exceeds peak_memory 900 by 12."]
    answer = conclusion(found)
    assert "Trial 0 leads the search" in answer.detail
    assert passed_over(found)[0] in answer.detail
    html = page(found)
    for shown in ("peak_memory at most 900", "exceeds peak_memory 900 by 12", "trial 1, breaks a constraint"):
        assert shown in html
    board = concluded(found, {}, None)
    assert board.summary["best/trial"] == "trial 0"
    violations = {row[0]: row[board.columns.index(f"violation/{MEMORY.text}")] for row in board.rows}
    assert violations == {"trial 0": 0.0, "trial 1": 12.0, "trial 2": None, "trial 3": None}


def test_the_line_of_the_best_so_far_passes_over_what_breaks_a_limit() -> None:
    drawing = history(constrained(-12.0, 12.0))
    assert "trial that breaks a constraint" in drawing
    assert '"x":[0],"y":[46.0],"type":"scatter"' in drawing.partition("best so far")[2]
    assert "best so far" in history(constrained(12.0, 12.0))


def test_a_better_trial_is_passed_over_beside_a_confirmed_one_too() -> None:
    found = replace(constrained(-12.0, 12.0), confirmed=confirmation(0.1))
    assert "Trial 1 has mean mIoU 50.0 % but exceeds peak_memory 900 by 12." in conclusion(found).detail
    assert passed_over(constrained(12.0, -12.0)) == []


def test_many_trials_that_break_a_limit_are_not_all_named() -> None:
    found = constrained(12.0, 12.0)
    more = [replace(found.trials[1], number=number) for number in range(4, 12)]
    sentences = passed_over(replace(found, trials=(*found.trials, *more)))
    assert len(sentences) == 4
    assert sentences[-1] == "So it is with 7 more; results.csv has all."


def test_csv_says_what_is_not_defined_and_what_is_not_recorded(tmp_path: Path) -> None:
    found = constrained(-12.0, -12.0)
    undefined = constraint_results([MEMORY], report(0.0))
    trials = (
        replace(found.trials[0], constraints=undefined),
        replace(found.trials[1], constraints=recorded_results([MEMORY], {})),
        *found.trials[2:],
    )
    write_csv(replace(found, trials=trials), tmp_path / "results.csv")
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    columns = ("feasible", f"constraint/{MEMORY.text}", f"violation/{MEMORY.text}")
    assert [tuple(row[column] for column in columns) for row in rows] == [
        ("False", "", "inf"),
        ("False", "", ""),
        ("", "", ""),
        ("", "", ""),
    ]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    (tmp_path / "tiny.yaml").write_text(
        study_text("budget: {trials: 4}", "constraints: [{metric: peak_memory, at_most: 900}]")
    )
    study = open_study(load_study(tmp_path / "tiny.yaml"), tmp_path / "out")
    for _ in range(3):
        study.ask()
    return study


def test_a_trial_without_a_record_of_a_limit_does_not_lead(study: Study) -> None:
    # Completed from outside, as optuna-dashboard does.
    study.optuna_study.tell(0, 0.9)
    assert count_trials(study).best is None
    study.complete(1, [0.4], [-1.0])
    study.complete(2, [0.5], [3.0])
    best = count_trials(study).best
    assert best is not None
    assert best.number == 1
    assert [study.is_feasible(trial) for trial in study.finished()] == [False, True, False]


def test_values_follow_from_what_the_storage_has() -> None:
    for constraint, broken, value in ((MEMORY, 12.0, 912.0), (SPEED, 2.0, 8.0), (MEMORY, -100.0, 800.0)):
        (result,) = recorded_results([constraint], {constraint.text: broken})
        assert isinstance(result, ConstraintResult)
        assert result.value == value
