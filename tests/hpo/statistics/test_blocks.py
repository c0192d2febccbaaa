"""Tests of blocks of correlated frames, against formulas in closed form and plain loops."""

import math

import numpy as np
import pytest

from hpo.statistics.block_draws import block_draws, block_variance
from hpo.statistics.block_length import block_length
from hpo.statistics.decay import INDEPENDENT, Decay, autocovariances, decay_of
from hpo.statistics.recordings import Recordings
from segada.metrics import Floats

pytestmark = pytest.mark.rounding


def autoregression(frames: int, correlation: float, seed: int) -> Floats:
    """A series of which values k apart have the correlation `correlation` to the power of k."""
    noise = np.random.default_rng(seed).standard_normal(frames)
    series = noise[:1].tolist()
    for value in noise[1:]:
        series.append(correlation * series[-1] + math.sqrt(1 - correlation**2) * value)
    return np.array(series)


def published_length(series: Floats) -> float:
    """The rule of Politis and White (2004), corrected 2009, for the circular bootstrap, lag by lag."""
    n, x = len(series), series - series.mean()
    r = [float(np.sum(x[k:] * x[: n - k])) / n for k in range(math.ceil(math.sqrt(n)) + 6)]
    band = 2 * math.sqrt(math.log10(n) / n)
    m = next(m for m in range(len(r)) if all(abs(r[m + k] / r[0]) < band for k in range(1, 6)))
    m_twice = 2 * max(m, 1)
    g0 = g1 = 0.0
    for k in range(-m_twice, m_twice + 1):
        flat_top = 1.0 if abs(k) <= m_twice / 2 else 2 * (1 - abs(k) / m_twice)
        g0 += flat_top * r[abs(k)]
        g1 += flat_top * abs(k) * r[abs(k)]
    return float((2 * g1**2 / (4 / 3 * g0**2)) ** (1 / 3) * n ** (1 / 3))


def test_frames_with_the_same_number_as_their_neighbors_are_of_one_recording():
    recordings = Recordings.of([4, 4, 4, 0, 1, 1])

    assert recordings == Recordings((3, 1, 2))
    assert (recordings.frames, recordings.longest) == (6, 3)
    assert recordings.numbers.tolist() == [0, 0, 0, 1, 2, 2]
    assert recordings.starts.tolist() == [0, 3, 4]
    assert [recordings.pairs(lag) for lag in range(4)] == [6, 3, 1, 0]
    assert Recordings.of([]) == Recordings(())


@pytest.mark.parametrize(("correlation", "frames"), [(0.3, 200), (0.6, 80), (0.6, 500), (0.8, 1000)])
def test_the_length_of_blocks_is_that_of_the_published_rule(correlation, frames):
    series = autoregression(frames, correlation, seed=1)
    limit = math.ceil(min(3 * math.sqrt(frames), frames / 3))

    found = block_length(series, Recordings((frames,)))

    assert found == min(math.ceil(published_length(series)), limit)


@pytest.mark.parametrize("correlation", [0.5, 0.8])
def test_the_length_approaches_the_closed_form_of_an_autoregression(correlation):
    """There g(0) = (1 + r) / (1 - r) and G = 2 r / (1 - r)^2, so that b = (3 / 2 (2 r / (1 - r^2))^2 n)^(1/3)."""
    frames = 20_000
    expected = (1.5 * (2 * correlation / (1 - correlation**2)) ** 2 * frames) ** (1 / 3)

    lengths = [block_length(autoregression(frames, correlation, seed), Recordings((frames,))) for seed in range(8)]

    assert np.median(lengths) == pytest.approx(expected, rel=0.15)


def test_independent_scenes_and_frames_that_are_all_equal_have_blocks_of_one():
    series = autoregression(60, 0.9, seed=0)

    assert block_length(series, Recordings((1,) * 60)) == 1
    assert decay_of(series, Recordings((1,) * 60)) == INDEPENDENT
    assert block_length(np.ones(60), Recordings((60,))) == 1
    assert decay_of(np.ones(60), Recordings((60,))) == INDEPENDENT


def test_pairs_of_frames_of_two_recordings_count_for_no_correlation():
    """Both recordings alternate; the pair between them does not."""
    series = np.array([1.0, -1.0, 1.0, 1.0, -1.0, 1.0])
    x = series - series.mean()

    found = autocovariances(series, Recordings((3, 3)), 2)

    assert found[0] == pytest.approx((x**2).sum() / 6)
    assert found[1] == pytest.approx((x[0] * x[1] + x[1] * x[2] + x[3] * x[4] + x[4] * x[5]) / 5)
    assert found[2] == pytest.approx((x[0] * x[2] + x[3] * x[5]) / 4)


def test_the_correlation_of_neighbors_has_less_than_half_of_the_usual_bias():
    found = [decay_of(autoregression(80, 0.6, seed), Recordings((80,))) for seed in range(400)]

    # The usual one is (1 + 4 r) / n = 0.0425 (Marriott and Pope 1954). The standard error of the mean is 0.005 here.
    assert np.mean([one.first for one in found]) == pytest.approx(0.6 - 0.0425 / 4, abs=0.015)


def test_a_slow_process_with_noise_has_a_small_first_correlation_and_a_slow_decay():
    """Half of the variance is noise: correlations are 0.8^k / 2."""
    noise = np.random.default_rng(0).standard_normal((40, 2000))
    series = [autoregression(2000, 0.8, seed) + one for seed, one in enumerate(noise)]

    found = [decay_of(one, Recordings((2000,))) for one in series]

    assert np.mean([one.first for one in found]) == pytest.approx(0.4, abs=0.02)
    assert np.mean([one.rate for one in found]) == pytest.approx(0.8, abs=0.03)


def test_the_variance_of_a_sum_is_the_sum_of_all_covariances():
    decay, places = Decay(0.4, 0.7), np.arange(9)
    apart = np.abs(places[:, None] - places)
    covariance = np.where(apart == 0, 1.0, 0.4 * 0.7 ** (apart - 1.0))

    sums = decay.sums(9)

    assert sums == pytest.approx([covariance[:size, :size].sum() for size in range(10)])
    assert decay.variance_of_mean(Recordings((4, 1, 4))) == pytest.approx((2 * sums[4] + 1) / 81)
    assert INDEPENDENT.sums(3).tolist() == [0, 1, 2, 3]


def plain_means(series: Floats, lengths: tuple[int, ...], length: int, replicates: int) -> Floats:
    """Means of a block bootstrap, drawn frame by frame, with another generator."""
    generator = np.random.default_rng(99)
    places = [(begin, size) for begin, size in zip(np.cumsum((0, *lengths)), lengths, strict=False)]
    frames = [(begin, size, offset) for begin, size in places for offset in range(size)]
    weights = np.array([1 / min(size, length) for _, size, _ in frames])
    means = []
    for _ in range(replicates):
        drawn: list[float] = []
        while len(drawn) < len(series):
            begin, size, offset = frames[generator.choice(len(frames), p=weights / weights.sum())]
            drawn += [series[begin + (offset + step) % size] for step in range(min(size, length))]
        means.append(np.mean(drawn[: len(series)]))
    return np.array(means)


@pytest.mark.parametrize(("lengths", "length"), [((24,), 6), ((12, 3, 9), 4), ((1,) * 20, 1), ((5, 5, 5, 5), 9)])
def test_draws_have_the_mean_and_the_variance_of_a_plain_bootstrap(lengths, length):
    recordings = Recordings(lengths)
    series = autoregression(recordings.frames, 0.7, seed=2)

    counts = block_draws(recordings, length, 6000, np.random.default_rng(0))
    means, plain = counts @ series / recordings.frames, plain_means(series, lengths, length, 3000)

    assert counts.sum(axis=1).tolist() == [recordings.frames] * 6000
    # Each frame is drawn once in the mean; a count's deviation is below 3, of which 6000 replicates leave 0.04.
    assert counts.mean(axis=0) == pytest.approx(np.ones(recordings.frames), abs=0.2)
    assert means.mean() == pytest.approx(plain.mean(), abs=5 * plain.std() / math.sqrt(3000))
    assert means.std() == pytest.approx(plain.std(), rel=0.08)
    assert math.sqrt(block_variance(series, recordings, length)) == pytest.approx(plain.std(), rel=0.1)


def test_draws_are_blocks_of_neighbors_that_go_on_at_the_beginning():
    counts = block_draws(Recordings((6,)), 3, 50, np.random.default_rng(0))
    blocks = {
        tuple(int(frame in {(start + step) % 6 for step in range(3)}) for frame in range(6)) for start in range(6)
    }

    sums = {tuple(int(a) + int(b) for a, b in zip(one, two, strict=True)) for one in blocks for two in blocks}

    assert {tuple(map(int, row)) for row in counts} <= sums
