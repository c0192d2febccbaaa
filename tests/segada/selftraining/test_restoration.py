"""Tests of the restored elements, their frequency, and that all others stay."""

import math

import pytest
import torch

from segada.selftraining.restoration import restore, successes


def _generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_successes_are_those_of_independent_trials() -> None:
    # 200 runs of 500 trials at p = 0.03: each count below lies within 6 standard deviations of a binomial's mean, so a
    # right draw fails once in 10^8 runs of this test.
    trials, probability, runs = 500, 0.03, 200
    hits = torch.zeros(trials)
    pairs = 0
    generator = _generator()
    for _ in range(runs):
        found = successes(trials, probability, generator)
        assert (found.diff() > 0).all()
        assert ((found >= 0) & (found < trials)).all()
        hits[found] += 1
        pairs += int((found.diff() == 1).sum())
    mean = trials * runs * probability
    assert abs(hits.sum() - mean) < 6 * math.sqrt(mean * (1 - probability))
    halves = hits.view(2, -1).sum(dim=1)
    assert abs(halves[0] - halves[1]) < 6 * math.sqrt(mean)
    neighbors = (trials - 1) * runs * probability**2
    assert abs(pairs - neighbors) < 6 * math.sqrt(neighbors)


@pytest.mark.parametrize(("probability", "wanted"), [(0.0, []), (1.0, [0, 1, 2, 3, 4])])
def test_never_and_always(probability: float, wanted: list[int]) -> None:
    assert successes(5, probability, _generator()).tolist() == wanted


def test_elements_go_back_where_the_draws_say_and_nowhere_else() -> None:
    shapes = ((3, 4), (5,), (2, 3, 2, 2))
    originals = [torch.randn(shape, generator=_generator(1)) for shape in shapes]
    moved = [value + 1.0 for value in originals]
    moved[2] = moved[2].to(memory_format=torch.channels_last)
    parameters = [torch.nn.Parameter(value.clone()) for value in moved]

    restore(parameters, originals, 0.3, _generator())

    back = torch.zeros(sum(value.numel() for value in originals), dtype=torch.bool)
    back[successes(len(back), 0.3, _generator())] = True
    assert 0 < back.sum() < len(back)
    start = 0
    for parameter, original, before in zip(parameters, originals, moved, strict=True):
        mask = back[start : start + original.numel()].view(original.shape)
        assert torch.equal(parameter, torch.where(mask, original, before))
        start += original.numel()
