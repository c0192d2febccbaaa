"""Tests of how well the first visits predict the final result."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import spearmanr
from study_samples import report, results, visit

from hpo.reporting.page import page
from hpo.results.correlation import spearman
from hpo.results.digest import Report, Visits
from hpo.results.pruning import rungs
from hpo.results.results import StudyResults, TrialResult


def trial(number: int, gains: tuple[float, ...], value: float) -> TrialResult:
    """A complete trial that gains this much in visit after visit."""
    visits = [visit(place, gain) for place, gain in enumerate(gains)]
    whole = report(0.0).model_copy(update={"visits": visits})
    return TrialResult(number, "complete", (value,), {}, Visits.of(visits), Report.of(whole), 3.0, "")


def study(trials: list[TrialResult], maximized: bool = True) -> StudyResults:
    pruned = TrialResult(len(trials), "pruned", (), {}, Visits.of([visit(0, -0.2)]), None, 1.0, "stopped after visit 1")
    return replace(results(None), trials=(*trials, pruned), maximized=(maximized,))


GAINS = [(0.3, 0.02, 0.1), (0.1, 0.1, 0.2), (0.2, 0.2, 0.0), (0.0, 0.3, 0.0), (0.05, 0.5, 0.4)]


def test_a_rung_is_the_correlation_of_the_mean_gain_so_far_with_the_objective():
    values = [0.1, 0.3, 0.2, 0.4, 0.5]
    found = rungs(study([trial(number, gains, values[number]) for number, gains in enumerate(GAINS)]))

    assert [(rung.visits, rung.trials, rung.stopped) for rung in found] == [(1, 5, 1), (2, 5, 0)]
    for rung in found:
        early = [np.mean(gains[: rung.visits]) for gains in GAINS]
        so_far = rung.foretold["gain_so_far"].correlation
        assert so_far is not None
        assert so_far.value == pytest.approx(spearmanr(early, values).statistic)
        assert so_far.low <= so_far.value <= so_far.high
    # The last trial ends as the best: fourth by its first visit, first by its first two.
    assert [rung.foretold["gain_so_far"].place_of_best for rung in found] == [4, 1]


def test_an_objective_that_is_minimized_counts_the_other_way_round():
    trials = [trial(number, (gain, gain, gain), -gain) for number, (gain, _, _) in enumerate(GAINS)]

    first = rungs(study(trials, maximized=False))[0].foretold["gain_so_far"]

    assert first.correlation is not None
    assert first.correlation.value == pytest.approx(1.0)
    assert first.place_of_best == 1


def test_a_few_trials_and_trials_that_are_all_alike_say_nothing():
    assert rungs(study([trial(number, gains, 0.1 * number) for number, gains in enumerate(GAINS[:4])])) == []
    same = rungs(study([trial(number, (0.1, 0.1, 0.1), 0.1 * number) for number in range(5)]))
    assert [one.correlation for rung in same for one in rung.foretold.values()] == [None] * 4


def test_the_interval_of_many_trials_is_that_of_fisher():
    generator = np.random.default_rng(3)
    first = generator.normal(size=400)
    second = first + generator.normal(size=400)

    found = spearman(first, second)

    assert found is not None
    assert found.value == pytest.approx(spearmanr(first, second).statistic)
    # Fisher's z with the variance of Bonett and Wright (2000) for Spearman's.
    error = np.sqrt((1 + found.value**2 / 2) / 397)
    low, high = np.tanh(np.arctanh(found.value) + np.array([-1.96, 1.96]) * error)
    assert found.low == pytest.approx(low, abs=0.02)
    assert found.high == pytest.approx(high, abs=0.02)


def test_the_report_says_whether_pruning_was_justified():
    html = page(study([trial(number, gains, 0.1 * number) for number, gains in enumerate(GAINS)]))

    assert "Can trials be judged early?" in html
    assert "4 of 5" in html
    assert "Can trials be judged early?" not in page(results(None))
