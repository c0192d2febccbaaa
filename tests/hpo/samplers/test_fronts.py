"""Tests of Pareto fronts against their definition."""

import numpy as np
import pytest

from hpo.samplers.ranking import Losses, dominates, fronts


def peeled(losses: Losses) -> list[list[int]]:
    """Fronts by their definition: the rows that no other row left dominates, again and again."""
    left, found = np.arange(len(losses)), []
    while len(left):
        beaten = dominates(losses[left], losses[left]).any(axis=0)
        found.append(left[~beaten].tolist())
        left = left[beaten]
    return found


@pytest.mark.parametrize("objectives", [1, 2, 3, 4])
@pytest.mark.parametrize("digits", [1, 6])
def test_fronts_are_those_of_the_definition(objectives: int, digits: int) -> None:
    generator = np.random.default_rng(objectives)
    for count in (0, 1, 2, 60):
        losses = np.round(generator.random((count, objectives)), digits)
        assert [front.tolist() for front in fronts(losses)] == peeled(losses)


def test_thousands_of_trials_are_quick() -> None:
    """By its definition this takes minutes, while other drivers wait for a decision of the pruner."""
    losses = np.random.default_rng(0).random((20_000, 2))
    assert sum(len(front) for front in fronts(losses)) == 20_000
