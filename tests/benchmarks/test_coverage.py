"""Tests of the simulation of coverage: its drives, and that correlated frames are covered."""

import numpy as np
import pytest

from benchmarks.search.coverage import Cell, outcomes
from benchmarks.search.drives import PROCESSES, World
from segada.metrics import mean_iou


@pytest.mark.parametrize(("process", "share"), [("ar1", 1.0), ("mixed", 0.5)])
def test_series_have_the_variance_and_the_correlation_that_they_say(process: str, share: float) -> None:
    series = PROCESSES[process](np.random.default_rng(0), 400, 0.6, 2000)

    assert series.var() == pytest.approx(1.0, abs=0.02)
    assert np.mean(series[1:] * series[:-1]) == pytest.approx(0.6 * share, abs=0.02)
    assert np.mean(series[2:] * series[:-2]) == pytest.approx(0.36 * share, abs=0.02)


def test_an_adapted_run_is_better_and_rivals_are_not() -> None:
    world, generator = World("ar1", 0.0, 0.03), np.random.default_rng(0)
    source, runs = world.drive(generator, 2000, 2)
    one, other = world.rivals(generator, 2000)

    assert source.shape == runs[0].shape == (2000, 3, 11)
    assert 0.02 < mean_iou(runs[0].sum(axis=0)) - mean_iou(source.sum(axis=0)) < 0.1
    assert mean_iou(one.sum(axis=0)) == pytest.approx(mean_iou(other.sum(axis=0)), abs=0.01)


def test_correlated_frames_are_covered_and_were_not() -> None:
    """At 0.8, of a hundred intervals about 95 hold the truth, and of those of independent frames about 47."""
    world = World("ar1", 0.8, 0.03)
    truth = world.truth(np.random.default_rng(1), drives=40)

    found = outcomes(Cell(world, 3, truth, drives=100, frames=80, replicates=200, seed=0))

    assert sum(one.holds["miou"] for one in found) > 85
    assert sum(one.holds["gain"] for one in found) > 85
    assert sum(one.holds["miou_old"] for one in found) < 65
    assert sum(one.stops[0] for one in found) < 8 < sum(one.stops[1] for one in found)
