"""Rank correlations of two columns, with bootstrap intervals."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from hpo.results.confirmation import Estimate
from segada.metrics import Floats

MIN_TRIALS = 5
"""Minimum number of completed trials for a rank correlation."""

REPLICATES = 2000
CONFIDENCE = 0.95
MOST_TRIALS = 1000
"""Maximum number of trials that are correlated; of more, a random sample, because pairs and replicates would exceed the
memory.
"""
AT_ONCE = 250
"""Number of replicates in memory at the same time."""

Rows = npt.NDArray[np.int64]
"""Indices of the columns' rows in each replicate, [replicates, rows]."""


def spearman(first: Floats, second: Floats, seed: int = 0) -> Estimate | None:
    """Returns Spearman's rank correlation with its bootstrap interval; None if a column is constant.

    Rows are drawn with replacement and ranked again; ties share their mean rank. A replicate with a constant column has
    no correlation and is left out. Of more than `MOST_TRIALS` rows, a sample without replacement is used, and the
    interval is that of the sample.
    """
    return _estimate(lambda x, y, rows: _spearman(x[rows], y[rows]), first, second, seed)


def kendall(first: Floats, second: Floats, seed: int = 0) -> Estimate | None:
    """Returns Kendall's tau-b with its bootstrap interval, drawn as in `spearman`; None if a column is constant.

    Tau-b is the number of concordant minus discordant pairs, divided by the geometric mean of the numbers of pairs that
    are not tied in each column.
    """
    return _estimate(_kendall, first, second, seed)


def _estimate(
    statistic: Callable[[Floats, Floats, Rows], Floats], first: Floats, second: Floats, seed: int
) -> Estimate | None:
    generator = np.random.default_rng(seed)
    if len(first) > MOST_TRIALS:
        sample = generator.choice(len(first), MOST_TRIALS, replace=False)
        first, second = first[sample], second[sample]
    count = len(first)
    value = statistic(first, second, np.arange(count)[None])
    if np.isnan(value[0]):
        return None
    rows = generator.integers(count, size=(REPLICATES, count))
    parts = [statistic(first, second, rows[start : start + AT_ONCE]) for start in range(0, REPLICATES, AT_ONCE)]
    replicates = np.concatenate(parts)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(replicates[~np.isnan(replicates)], (tail, 1 - tail))
    return Estimate(value=float(value[0]), low=float(low), high=float(high))


def _spearman(first: Floats, second: Floats) -> Floats:
    """Returns the correlation row by row, [replicates, rows] to [replicates]; NaN where a row is constant."""
    x, y = (rankdata(each, axis=1) - (each.shape[1] + 1) / 2 for each in (first, second))
    return _ratio((x * y).sum(axis=1), (x**2).sum(axis=1) * (y**2).sum(axis=1))


def _kendall(first: Floats, second: Floats, rows: Rows) -> Floats:
    """Returns tau-b [replicates]. Pairs are compared once; each replicate counts them as often as it has their rows."""
    times = np.zeros((len(rows), len(first)))
    np.add.at(times, (np.arange(len(rows))[:, None], rows), 1.0)
    x, y = (np.sign(each[:, None] - each[None]) for each in (first, second))
    agreeing, apart, other = (((times @ pairs) * times).sum(axis=1) for pairs in (x * y, x**2, y**2))
    return _ratio(agreeing, apart * other)


def _ratio(numerator: Floats, square: Floats) -> Floats:
    found: Floats = np.full(len(numerator), np.nan)
    np.divide(numerator, np.sqrt(square), out=found, where=square > 0)
    return found
