"""Tests of corrections for few blocks and few seeds, against matrices and simulations."""

import math

import numpy as np
import pytest
from scipy.stats import t

from hpo.statistics.decay import INDEPENDENT, Decay
from hpo.statistics.influence import frame_influence
from hpo.statistics.paired_test import lower_p
from hpo.statistics.recordings import Recordings
from hpo.statistics.small_sample import correction, seed_weights, student_factor, total_freedom
from segada.metrics import mean_iou

pytestmark = pytest.mark.rounding


@pytest.mark.parametrize(("lengths", "length"), [((30,), 5), ((12, 3, 9), 4), ((6, 6, 6), 8), ((1,) * 9, 1)])
@pytest.mark.parametrize(("first", "rate"), [(0.0, 0.0), (0.5, 0.5), (0.9, 0.9), (0.3, 0.8)])
def test_the_factor_is_the_true_over_the_expected_variance(lengths, length, first, rate):
    """Both variances as quadratic forms: w' S w for the mean, the trace of A S for the mean square of drawn blocks."""
    frames = sum(lengths)
    number = np.repeat(range(len(lengths)), lengths)
    places = np.arange(frames)
    same = number[:, None] == number
    apart = np.abs(places[:, None] - places)
    covariance = np.where(same, np.where(apart == 0, 1.0, first * rate ** np.maximum(apart - 1, 0)), 0.0)
    mean = np.full(frames, 1 / frames)
    true = mean @ covariance @ mean
    expected, begin = 0.0, 0
    for size in lengths:
        block = min(length, size)
        for start in range(size):
            inside = np.zeros(frames)
            inside[[begin + (start + step) % size for step in range(block)]] = 1
            # Blocks that go on at the beginning have two parts, taken for independent.
            head = inside * (places >= begin + start) if block < size else inside
            tail = inside - head
            drawn = head @ covariance @ head + tail @ covariance @ tail
            expected += (drawn - block**2 * true) / block / frames**2
        begin += size

    found = correction(Recordings(lengths), length, Decay(first, rate))

    assert found.factor == pytest.approx(math.sqrt(true / expected))
    assert found.factor >= 1


def test_independent_frames_have_the_correction_of_a_sample():
    found = correction(Recordings((1,) * 25), 1, INDEPENDENT)

    assert found.factor == pytest.approx(math.sqrt(25 / 24))
    assert found.freedom == pytest.approx(24)


def test_the_freedom_falls_with_the_blocks_and_with_the_correlation_that_is_estimated():
    found = correction(Recordings((80,)), 8, Decay(0.5, 0.8))

    assert 1 / found.freedom == pytest.approx(1 / (80 / 8 - 1) + 2 / (80 * (1 - 0.64)))


@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_weighted_means_over_seeds_have_the_standard_error_of_a_sample(seeds):
    values = np.random.default_rng(3).standard_normal(seeds)

    drawn = seed_weights(seeds, 40_000, np.random.default_rng(0)) @ values

    assert drawn.mean() == pytest.approx(values.mean(), abs=0.03)
    assert drawn.std() == pytest.approx(values.std(ddof=1) / math.sqrt(seeds), rel=0.03)


def test_one_seed_has_no_deviation():
    assert seed_weights(1, 5, np.random.default_rng(0)).tolist() == [[1.0]] * 5


def test_student_s_factor_gives_the_quantile_of_his_distribution():
    assert 1.959964 * student_factor(4.0, 0.975) == pytest.approx(t.ppf(0.975, 4), rel=1e-5)
    assert student_factor(math.inf, 0.975) == 1.0


def test_a_variance_alone_keeps_its_freedom_and_two_have_more():
    assert total_freedom([0.7], [3]) == pytest.approx(3)
    assert total_freedom([0.7, 0.0], [1, 20]) == pytest.approx(1)
    assert total_freedom([0.0, 0.0], [1, 20]) == math.inf
    # Satterthwaite's formula, in which the first variance counts five times and the second 1.2 times.
    first, second = 5 * 0.5, 1.2 * 2.0
    expected = (first + second) ** 2 / (first**2 / 1 + second**2 / 20)
    assert total_freedom([0.5, 2.0], [1, 20]) == pytest.approx(expected)


def test_the_influence_is_the_derivative_of_the_miou_by_the_frame_s_weight():
    generator = np.random.default_rng(0)
    labelled = generator.integers(50, 200, (9, 4))
    right = generator.binomial(labelled, 0.6)
    areas = np.stack([right, generator.integers(200, 300, (9, 4)), labelled], axis=1)
    areas[:, 2, 3] = 0
    areas[:, 0, 3] = 0

    found = frame_influence(areas)

    total, step = areas.sum(axis=0), 10**6
    for number, frame in enumerate(areas):
        moved = mean_iou(step * total + frame) - mean_iou(total)
        assert found[number] == pytest.approx(9 * step * moved, rel=1e-3, abs=1e-6)
    assert found.sum() == pytest.approx(0.0, abs=1e-9)


def test_the_paired_test_rejects_as_often_as_its_level_says_where_frames_are_correlated():
    """Without a difference, at a correlation of 0.8, the signed-rank test of independent frames rejects 29 %."""
    generator = np.random.default_rng(5)
    p_values = []
    for _ in range(400):
        noise, series = generator.standard_normal(80), np.zeros(80)
        series[0] = noise[0]
        for frame in range(1, 80):
            series[frame] = 0.8 * series[frame - 1] + 0.6 * noise[frame]
        p_values.append(lower_p(series, Recordings((80,))))

    # 400 series leave a standard error of 1.1 %.
    assert np.mean(np.array(p_values) < 0.05) == pytest.approx(0.05, abs=0.04)


def test_a_difference_that_never_varies_is_certain():
    assert lower_p(np.full(8, -0.1), Recordings((8,))) == 0.0
    assert lower_p(np.zeros(8), Recordings((8,))) == 1.0
