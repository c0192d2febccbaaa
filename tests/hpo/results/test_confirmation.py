"""Tests of the statistics of the confirmation."""

import numpy as np
import pytest
from study_samples import candidate, random_areas

from hpo.results.confirmation import Bootstrap, confirm

pytestmark = pytest.mark.rounding

SHORT = Bootstrap(replicates=500)


def test_the_value_is_the_mean_of_the_reports_and_the_interval_holds_it():
    one = candidate("trial 3", 3, random_areas(np.random.default_rng(0), 0.6))
    base = candidate("source_only", None, random_areas(np.random.default_rng(1), 0.5))

    row = confirm([one], [base], {}, SHORT).runs[-1]

    assert row.name == "trial 3"
    assert row.seeds == [1, 2]
    assert row.mean_miou.value == pytest.approx(one.runs[0].report.mean_miou)
    assert row.mean_miou.low < row.mean_miou.value < row.mean_miou.high
    assert row.seed_deviation == pytest.approx(0.0)


def test_the_interval_of_a_mean_agrees_with_the_normal_approximation():
    """One class, equal areas: mIoU is then r / (2 - r) of the mean share r of right pixels, whose error is known."""
    generator = np.random.default_rng(5)
    labelled = np.zeros((400, 19), np.int64)
    labelled[:, 0] = 1000
    right = labelled.copy()
    right[:, 0] = generator.normal(700, 60, 400).round()
    areas = np.stack([right, labelled, labelled], axis=1)
    one = candidate("trial 0", 0, areas, seeds=(1,))

    row = confirm([one], [candidate("source_only", None, areas, seeds=(1,))], {}, Bootstrap(replicates=4000)).runs[-1]

    share = right[:, 0].mean() / 1000
    error = right[:, 0].std() / 1000 / np.sqrt(400) * 2 / (2 - share) ** 2
    assert row.mean_miou.value == pytest.approx(share / (2 - share))
    # The ends of an interval of 4000 replicates scatter by about 3 % of its half width; five times that is allowed.
    assert row.mean_miou.high - row.mean_miou.low == pytest.approx(2 * 1.96 * error, rel=0.15)
    assert row.seed_deviation is None


def test_gains_are_paired_so_that_what_all_share_cancels():
    base = random_areas(np.random.default_rng(0), 0.6)
    # Every frame gets the same number of pixels more: frames differ, the difference hardly does.
    better = base.copy()
    better[:, 0] += 5
    confirmed = confirm([candidate("trial 1", 1, better)], [candidate("source_only", None, base)], {}, SHORT)

    row = confirmed.runs[-1]

    gain = row.gain["source_only"]
    assert 0 < gain.low <= gain.value <= gain.high
    assert gain.high - gain.low < 0.2 * (row.mean_miou.high - row.mean_miou.low)
    assert row.miou_gain["source_only"].keys() == row.miou.keys()
    assert confirmed.runs[0].gain["source_only"].value == 0.0


def test_the_best_is_the_search_s_and_not_the_one_that_does_best_on_the_reported_frames():
    generator = np.random.default_rng(0)
    first, other = (candidate(f"trial {n}", n, random_areas(generator, 0.5 + 0.2 * n)) for n in (0, 1))
    base = candidate("source_only", None, random_areas(generator, 0.6))

    confirmed = confirm([first, other], [base], {"trial 7": "diverged"}, SHORT)

    assert [row.name for row in confirmed.runs] == ["source_only", "trial 0", "trial 1"]
    assert confirmed.runs[1].mean_miou.value < confirmed.runs[2].mean_miou.value
    assert confirmed.best == "trial 0"
    assert confirmed.by_mean == "trial 1"
    assert confirmed.failures == {"trial 7": "diverged"}


def test_by_mean_the_default_may_come_first_and_baselines_never():
    generator = np.random.default_rng(0)
    names = ("source_only", "default", "trial 4")
    base, default, one = (
        candidate(name, 4 if name == "trial 4" else None, random_areas(generator, share))
        for name, share in zip(names, (0.9, 0.8, 0.7), strict=True)
    )

    confirmed = confirm([one], [base, default], {}, SHORT)

    assert (confirmed.best, confirmed.by_mean) == ("trial 4", "default")
    gain = confirmed.runs[-1].gain["default"]
    assert gain.value == pytest.approx(confirmed.runs[2].mean_miou.value - confirmed.runs[1].mean_miou.value)
    assert gain.high < 0
    assert confirm([], [base], {}, SHORT).by_mean is None


def test_a_class_without_labels_does_not_count_as_in_the_engine():
    areas = random_areas(np.random.default_rng(0), 0.6)
    falsely = areas.copy()
    falsely[:, :, 18] = 0
    falsely[:, 1, 18] = 50
    one = candidate("trial 0", 0, falsely, seeds=(1,))

    row = confirm([one], [one], {}, SHORT).runs[-1]

    assert row.mean_miou.low < one.runs[0].report.mean_miou < row.mean_miou.high


def test_the_same_seed_gives_the_same_intervals():
    one = candidate("trial 0", 0, random_areas(np.random.default_rng(0), 0.6))

    assert confirm([one], [one], {}, SHORT) == confirm([one], [one], {}, SHORT)
