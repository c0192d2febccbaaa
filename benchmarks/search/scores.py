"""Statistics of samplers from the losses of many searches: ranks, regrets and pairwise comparisons, with intervals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.search.problems import ProblemKey
from benchmarks.search.searches import SearchKey

REPLICATES = 2000
CEILING = 2.0
"""Ceiling of the regret: twice that of random search."""

Losses = Mapping[SearchKey, float]
Numbers = NDArray[np.float64]


@dataclass(frozen=True)
class Estimate:
    """A mean over functions with its 95 % interval for other functions drawn from the same kind."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """Results of a sampler on a suite with a budget.

    Attributes:
        sampler: Name of the sampler.
        rank: Rank among the samplers, from 1, the best, on the same function with the same seed.
        regret: Loss above the minimum possible one, relative to random search's.
        ahead: Share of searches in which this sampler was ahead of another, ties counting half; by the other's name.
    """

    sampler: str
    rank: Estimate
    regret: Estimate
    ahead: Mapping[str, Estimate]


def scores(losses: Losses, baseline: str = "random") -> list[Score]:
    """Compares the samplers of one suite at one budget, the best rank first.

    Args:
        losses: losses of searches; every sampler must have had the same problems and seeds.
        baseline: sampler whose regret is 1.
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
    """Returns searches × samplers: 0 for the minimum possible loss, 1 for the baseline's median on the function."""
    regrets = np.empty_like(table)
    kinds = [(problem.function, problem.dimension) for problem in problems]
    for kind in set(kinds):
        rows = np.array([one == kind for one in kinds])
        # The optimum has loss 0. With two objectives the best possible front is unknown, so the best observed one is
        # used.
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
