"""Tests of intervals over frames and seeds, against a plain bootstrap and Student's t."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import norm, t
from study_samples import candidate, random_areas

from hpo.results.confirmation import Bootstrap, Candidate, confirm
from hpo.results.spread import Draws, Measured, Scored, Spread
from hpo.statistics.block_length import block_length
from hpo.statistics.decay import decay_of
from hpo.statistics.influence import frame_influence
from hpo.statistics.recordings import Recordings
from hpo.statistics.small_sample import correction
from segada.metrics import Areas, mean_iou

pytestmark = pytest.mark.rounding


def drive(seed: int, frames: int, correlation: float = 0.8) -> Areas:
    """Frames of which neighbors are alike in how many pixels are right."""
    generator = np.random.default_rng(seed)
    level, shares = 0.0, []
    for noise in generator.standard_normal(frames):
        level = correlation * level + math.sqrt(1 - correlation**2) * noise
        shares.append(1 / (1 + math.exp(-0.5 - 0.5 * level)))
    labelled = np.full((frames, 5), 400)
    right = generator.binomial(labelled, np.array(shares)[:, None])
    return np.stack([right, labelled, labelled], axis=1).astype(np.int64)


def measured(runs: list[list[Areas]], recordings: list[Recordings]) -> Measured:
    values = np.array([[mean_iou(areas.sum(axis=0)) for areas in visits] for visits in runs])
    return Measured(values, [[Scored(*both) for both in zip(visits, recordings, strict=True)] for visits in runs])


def plain_miou(areas: Areas, counts: list[int]) -> float:
    ious = []
    for number in range(areas.shape[2]):
        right, predicted, labelled = (
            sum(count * int(areas[frame, part, number]) for frame, count in enumerate(counts)) for part in range(3)
        )
        ious.append(right / (predicted + labelled - right))
    return sum(ious) / len(ious)


def test_an_interval_is_that_of_a_plain_bootstrap_with_the_same_draws():
    recordings = [Recordings((20,)), Recordings((1,) * 9), Recordings((20,))]
    runs = [[drive(10 * seed + visit, known.frames) for visit, known in enumerate(recordings)] for seed in range(3)]
    one = measured(runs, recordings)
    draws = Draws.of([one], Bootstrap(replicates=40, confidence=0.9))
    values = [[mean_iou(areas.sum(axis=0)) for areas in visits] for visits in runs]
    by_seed = [sum(row) / 3 for row in values]
    mean = sum(by_seed) / 3
    variance = sum((value - mean) ** 2 for value in by_seed) / 2 / 3
    deviations = [sum(w * (v - mean) for w, v in zip(row, by_seed, strict=True)) for row in draws.seeds.tolist()]
    shares = [(variance * (1 + 4 / 2), 2.0)]
    for known, visits in ((recordings[0], (0, 2)), (recordings[1], (1,))):
        drawn = []
        for counts in draws.counts[known].astype(int).tolist():
            moved = [plain_miou(runs[seed][v], counts) - values[seed][v] for seed in range(3) for v in visits]
            drawn.append(sum(moved) / 9)
        influence = sum(frame_influence(runs[seed][v]) for seed in range(3) for v in visits)
        corrected = correction(known, draws.lengths[known], decay_of(np.asarray(influence), known))
        drawn = [corrected.factor * value for value in drawn]
        centre = sum(drawn) / 40
        own = sum((value - centre) ** 2 for value in drawn) / 40
        shares.append((own * (1 + 4 / corrected.freedom), corrected.freedom))
        deviations = [one + two for one, two in zip(deviations, drawn, strict=True)]
    freedom = sum(share for share, _ in shares) ** 2 / sum(share**2 / of for share, of in shares)
    widened = t.ppf(0.95, freedom) / norm.ppf(0.95)

    found = Spread.of(one, draws).mean()

    assert found.value == pytest.approx(mean)
    assert found.low == pytest.approx(mean + widened * np.quantile(deviations, 0.05))
    assert found.high == pytest.approx(mean + widened * np.quantile(deviations, 0.95))


def test_seeds_alone_have_student_s_t():
    """Without areas the interval is mean +- t s / sqrt(n), for two seeds, too."""
    for shares in ((0.5, 0.6), (0.5, 0.6, 0.53)):
        runs = [candidate("trial 0", 0, random_areas(np.random.default_rng(0), share)).runs[0] for share in shares]
        one = Candidate("trial 0", 0, tuple(replace(run, areas=()) for run in runs))
        values = [run.report.mean_miou for run in runs]
        half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))

        found = confirm([one], [one], {}, Bootstrap(replicates=40_000))

        assert found.rests_on == "seeds"
        assert found.blocks == {}
        assert found.runs[0].scored_miou.high - np.mean(values) == pytest.approx(half, rel=0.05)
        assert np.mean(values) - found.runs[0].scored_miou.low == pytest.approx(half, rel=0.05)


def test_correlated_frames_have_wider_intervals_than_independent_scenes():
    areas = drive(1, 120)
    ends = []
    for known in (Recordings((120,)), Recordings((1,) * 120)):
        runs = candidate("trial 0", 0, areas).runs
        one = Candidate("trial 0", 0, tuple(replace(run, recordings=(known,) * 3) for run in runs))
        confirmed = confirm([one], [one], {}, Bootstrap(replicates=1000))
        ends.append(confirmed.runs[0].scored_miou.high - confirmed.runs[0].scored_miou.low)
        blocks = confirmed.blocks["clear"]
        assert (blocks.frames, blocks.recordings) == (120, len(known.lengths))
        assert blocks.block_length == block_length(frame_influence(areas), known)

    # At a correlation of 0.8 the standard error of a long drive is three times that of independent frames.
    assert 2 < ends[0] / ends[1] < 6


def test_runs_that_do_not_know_their_recordings_are_taken_for_one():
    run = candidate("trial 0", 0, drive(1, 30)).runs[0]

    assert run.scored(1).recordings == Recordings((30,))
