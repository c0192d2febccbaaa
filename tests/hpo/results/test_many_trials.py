"""Tests of the results of a long search: no memory quadratic in the number of trials, and pages of limited size."""

import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import kendalltau, spearmanr
from study_samples import report, results, visit

from benchmarks.search.memory import make_study
from hpo.config.study_file import load_study
from hpo.reporting.figures import MOST_POINTS, history
from hpo.reporting.page import page
from hpo.reporting.tables import MOST_ROWS
from hpo.results.collect import results_of
from hpo.results.correlation import MOST_TRIALS, kendall, spearman
from hpo.results.digest import Report, Visits
from hpo.results.results import StudyResults, TrialResult, write_csv
from hpo.study.plan import Plan
from hpo.study.study import read_study

MIB = 2**20


@contextmanager
def most(mebibytes: float) -> Iterator[None]:
    """Fails if more is allocated at a time, above what is there already."""
    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak / MIB < mebibytes


def many(count: int) -> StudyResults:
    """Complete trials with two parameters and a label-free score, and a tenth as many that failed."""
    generator = np.random.default_rng(0)
    trials = []
    for number in range(count):
        gain, score = generator.normal(0.0, 0.05, size=2).tolist()
        visits = [visit(place, gain).model_copy(update={"label_free": {"entropy": score + gain}}) for place in range(3)]
        run = report(gain).model_copy(update={"visits": visits})
        parameters = {
            "method.pseudo_threshold": float(generator.uniform(0.5, 0.9)),
            "method.ema_alpha": 0.99 - score / 100,
        }
        one = Report.of(run)
        trials.append(TrialResult(number, "complete", (0.5 + gain,), dict(parameters), Visits.of(visits), one, 3.0, ""))
    failed = [
        TrialResult(count + number, "fail", (), {}, Visits.of([]), None, 0.0, "no memory")
        for number in range(count // 10)
    ]
    return replace(results(None), trials=(*trials, *failed))


@pytest.fixture(scope="module")
def large() -> StudyResults:
    return many(6000)


@pytest.mark.parametrize("correlation", [spearman, kendall])
def test_correlations_take_no_memory_by_the_square_of_the_trials(correlation) -> None:
    first = np.random.default_rng(1).normal(size=6000)
    second = first + np.random.default_rng(2).normal(size=6000)
    with most(100):
        found = correlation(first, second)
    expected = {spearman: spearmanr, kendall: kendalltau}[correlation](first, second).statistic
    assert found is not None
    assert found.low < expected < found.high
    assert found.high - found.low < 0.1


def test_as_many_trials_as_are_correlated_all_count() -> None:
    first = np.random.default_rng(1).normal(size=MOST_TRIALS)
    second = np.abs(first)
    found = kendall(first, second)
    assert found is not None
    assert found.value == pytest.approx(kendalltau(first, second).statistic)


def test_the_report_is_small_and_says_what_it_leaves_out(large: StudyResults) -> None:
    with most(100):
        html = page(large)
    assert len(html) < 8 * MIB
    assert html.count('<tr><td data-value="') <= MOST_ROWS + 1
    assert f"{MOST_ROWS} of 6600 are shown: the best trials come first; results.csv has all." in html
    assert f"{MOST_ROWS} of 600 are shown: results.csv and failures.json have all." in html
    assert f"The points are a random sample of {MOST_POINTS} of the 6000 trials; the line is of all." in html
    assert html.count(f"Correlations are those of a random sample of {MOST_TRIALS} trials.") == 2
    best = large.completed()[0].number
    assert f'<td data-value="{best}">{best}</td>' in html


def test_the_report_of_a_usual_study_leaves_nothing_out() -> None:
    html = page(many(40))
    for said in ("are shown", "random sample"):
        assert said not in html


def test_the_line_of_the_best_so_far_is_of_all_trials(large: StudyResults) -> None:
    drawing = history(large)
    best = max(trial.values[0] for trial in large.completed())
    assert f"{100 * best!r}"[:12] in drawing


def test_csv_has_every_trial(large: StudyResults, tmp_path: Path) -> None:
    write_csv(large, tmp_path / "results.csv")
    assert (tmp_path / "results.csv").read_text().count("\n") == 6601


def test_what_is_kept_of_a_trial_is_a_hundredth_of_its_records(tmp_path: Path) -> None:
    out = tmp_path / "study"
    make_study(out, trials=300, reports=20)
    file = load_study(str(out / "study.yaml"), runs=False)
    study = read_study(file, out)
    tracemalloc.start()
    found = results_of(study, Plan(file, out), None)
    kept = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert len(found.completed()) == 300
    assert found.trials[0].report is not None
    assert kept / 300 < 8192
