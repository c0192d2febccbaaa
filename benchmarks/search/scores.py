"""What the losses of many searches say about samplers: ranks, regrets, and who is ahead of whom, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.search.problems import ProblemKey
from benchmarks.search.searches import SearchKey

REPLICATES = 2000
CEILING = 2.0
"""Regret that counts at most: twice that of random search."""

Losses = Mapping[SearchKey, float]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean over functions, and where it lies with a probability of 95 % if other functions of the kind are drawn."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """How a sampler did on a suite with a budget.

    Attributes:
        sampler: its name.
        rank: Among the samplers, from 1, the best, on the same function with the same seed.
        regret: Loss above the least possible one, as a share of random search's.
        ahead: The share of searches in which it was ahead of this one was it, equals by half; by name.
    """

    sampler: str
    rank: Estimate
    regret: Estimate
    ahead: Mapping[str, Estimate]


def scores(losses: Losses, baseline: str = "random") -> list[Score]:
    """Compares the samplers of one suite at one budget, the best rank first.

    Args:
        losses: of searches; every sampler must have had the same problems and seeds.
        baseline: the sampler whose regret is 1.
    """
    samplers = sorted({key.sampler for key in losses})
    blocks = sorted({(key.problem, key.seed) for key in losses})
    table = np.array([[losses[SearchKey(problem, seed, one)] for one in samplers] for problem, seed in blocks])
    functions = np.array([problem.function for problem, _ in blocks])
    regrets = _regrets(table, [problem for problem, _ in blocks], samplers.index(baseline))
    ranks = rankdata(table, axis=1)
    found = []
    for place, sampler in enumerate(samplers):
        own = table[:, place]
        ahead = {
            other: _estimate((own < theirs) + 0.5 * (own == theirs), functions)
            for other, theirs in zip(samplers, table.T, strict=True)
            if other != sampler
        }
        rank, regret = _estimate(ranks[:, place], functions), _estimate(regrets[:, place], functions)
        found.append(Score(sampler, rank, regret, ahead))
    return sorted(found, key=lambda score: score.rank.mean)


def _regrets(table: Numbers, problems: Sequence[ProblemKey], baseline: int) -> Numbers:
    """Searches × samplers: 0 for the least loss possible, 1 for the baseline's median on the function."""
    regrets = np.empty_like(table)
    kinds = [(problem.function, problem.dimension) for problem in problems]
    for kind in set(kinds):
        rows = np.array([one == kind for one in kinds])
        # The optimum has the loss 0; what front is possible with two objectives, nobody knows: the best one seen.
        floor = table[rows].min() if problems[0].suite == "bbob-biobj" else 0.0
        unit = np.median(table[rows, baseline]) - floor
        above = table[rows] - floor
        regrets[rows] = np.where(above > 0.0, np.minimum(above / unit, CEILING) if unit > 0.0 else CEILING, 0.0)
    return regrets


def _estimate(values: Numbers, functions: NDArray[np.int64]) -> Estimate:
    means = np.array([values[functions == function].mean() for function in np.unique(functions)])
    generator = np.random.default_rng(0)
    drawn = means[generator.integers(len(means), size=(REPLICATES, len(means)))].mean(axis=1)
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Estimate(float(means.mean()), float(low), float(high))
