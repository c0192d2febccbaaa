"""Whether pruning was justified: how well the gain of the first visits foretells the end."""

from collections.abc import Sequence

import numpy as np
from scipy.stats import rankdata

from hpo.confirm import Estimate, Floats
from hpo.objectives import rung_value
from hpo.results import StudyResults, TrialResult
from segada.records import Record

MIN_TRIALS = 5
"""Completed trials from which a rank correlation is worth a line."""

REPLICATES = 2000
CONFIDENCE = 0.95


class Rung(Record):
    """What a number of visits says about the end of the stream, over trials that came to the end."""

    visits: int
    trials: int
    """Completed trials."""
    correlation: Estimate | None
    """Spearman's, between the gain after these visits and the first objective, larger meaning better in both; the
    interval is a bootstrap over trials. Null where all trials are alike in one of the two."""
    place_of_best: int
    """Counted from 1: where the trial that ends as the best stood after these visits."""
    stopped: int
    """Trials that were pruned after these visits."""


def rungs(results: StudyResults) -> list[Rung]:
    """A rung after every visit but the last; empty with fewer than `MIN_TRIALS` completed trials.

    Pruned trials have no end to compare with. So if there were any, the correlation is that among the better trials,
    and over all of them it would be greater.
    """
    done = [(trial, trial.report.source_only) for trial in results.completed() if trial.report is not None]
    if len(done) < MIN_TRIALS:
        return []
    final = np.array([trial.values[0] for trial, _ in done]) * (1.0 if results.maximised[0] else -1.0)
    pruned = [trial for trial in results.trials if trial.state == "pruned"]
    found = []
    for visits in range(1, len(results.visits)):
        early = np.array([rung_value(trial.visits[:visits], source_only) for trial, source_only in done])
        found.append(_rung(visits, early, final, pruned))
    return found


def _rung(visits: int, early: Floats, final: Floats, pruned: Sequence[TrialResult]) -> Rung:
    return Rung(
        visits=visits,
        trials=len(final),
        correlation=spearman(early, final),
        place_of_best=1 + int(np.sum(early > early[np.argmax(final)])),
        stopped=sum(len(trial.visits) == visits for trial in pruned),
    )


def spearman(first: Floats, second: Floats, seed: int = 0) -> Estimate | None:
    """Spearman's rank correlation of two columns with its bootstrap interval; None if either is constant.

    Rows are drawn with replacement and ranked anew, ties sharing their mean rank. A replicate in which a column is
    constant has no correlation and is left out.
    """
    value = _spearman(first[None], second[None])
    if np.isnan(value[0]):
        return None
    rows = np.random.default_rng(seed).integers(len(first), size=(REPLICATES, len(first)))
    replicates = _spearman(first[rows], second[rows])
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(replicates[~np.isnan(replicates)], (tail, 1 - tail))
    return Estimate(value=float(value[0]), low=float(low), high=float(high))


def _spearman(first: Floats, second: Floats) -> Floats:
    """Row by row: [replicates, trials] to [replicates], NaN where a row is constant."""
    x, y = (rankdata(each, axis=1) - (each.shape[1] + 1) / 2 for each in (first, second))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    found: Floats = np.full(len(x), np.nan)
    np.divide((x * y).sum(axis=1), scale, out=found, where=scale > 0)
    return found
