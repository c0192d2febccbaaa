"""Analysis of pruning: how well the first visits predict the final result."""

import numpy as np

from hpo.config.rung_values import RUNG_VALUES
from hpo.results.confirmation import Estimate
from hpo.results.correlation import MIN_TRIALS, spearman
from hpo.results.results import StudyResults
from segada.metrics import Floats
from segada.records import Record


class Foretold(Record):
    """Prediction of the final result by one rung value."""

    correlation: Estimate | None
    """Spearman's correlation between the value after these visits and the first objective, with higher better in both;
    the interval is a bootstrap over trials. Null if all trials are equal in one of the two.
    """
    place_of_best: int
    """Rank after these visits, from 1, of the trial that is best in the end."""


class Rung(Record):
    """Prediction of the final result after a number of visits, over the completed trials."""

    visits: int
    trials: int
    """Number of completed trials."""
    foretold: dict[str, Foretold]
    """Predictions by the keys of `rung_values.RUNG_VALUES`."""
    stopped: int
    """Number of trials that were pruned after these visits."""


def rungs(results: StudyResults) -> list[Rung]:
    """Returns a rung for every visit but the last; empty with fewer than `MIN_TRIALS` completed trials, and without a
    visited domain with labels.

    Pruned trials have no final result. If there are any, the correlation is that among the better trials; over all
    trials it would be greater.
    """
    done = [(trial.values[0], trial.report.rungs) for trial in results.completed() if trial.report is not None]
    if len(done) < MIN_TRIALS or not results.scored:
        return []
    final = np.array([value for value, _ in done]) * (1.0 if results.maximized[0] else -1.0)
    pruned = [trial for trial in results.trials if trial.state == "pruned"]
    found = []
    for visits in range(1, len(results.visits)):
        foretold = {
            name: _foretold(np.array([rungs[name][visits - 1] for _, rungs in done]), final) for name in RUNG_VALUES
        }
        stopped = sum(len(trial.visits.miou) == visits for trial in pruned)
        found.append(Rung(visits=visits, trials=len(done), foretold=foretold, stopped=stopped))
    return found


def _foretold(early: Floats, final: Floats) -> Foretold:
    place = 1 + int(np.sum(early > early[np.argmax(final)]))
    return Foretold(correlation=spearman(early, final), place_of_best=place)
