"""Whether pruning was justified: how well the gain of the first visits foretells the end."""

from collections.abc import Sequence

import numpy as np

from hpo.analysis.correlation import MIN_TRIALS, spearman
from hpo.confirm import Estimate, Floats
from hpo.objectives import rung_value
from hpo.results import StudyResults, TrialResult
from segada.records import Record


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
