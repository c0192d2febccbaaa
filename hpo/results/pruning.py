"""Whether pruning was justified: how well the first visits foretell the end."""

import numpy as np

from hpo.config.objectives import RUNG_VALUES
from hpo.results.confirmation import Estimate
from hpo.results.correlation import MIN_TRIALS, spearman
from hpo.results.results import StudyResults
from segada.metrics import Floats
from segada.records import Record


class Foretold(Record):
    """What one value of a rung says about the end."""

    correlation: Estimate | None
    """Spearman's, between the value after these visits and the first objective, larger meaning better in both; the
    interval is a bootstrap over trials. Null where all trials are alike in one of the two."""
    place_of_best: int
    """Counted from 1: where the trial that ends as the best stood after these visits."""


class Rung(Record):
    """What a number of visits says about the end of the stream, over trials that came to the end."""

    visits: int
    trials: int
    """Completed trials."""
    foretold: dict[str, Foretold]
    """By the keys of `objectives.RUNG_VALUES`."""
    stopped: int
    """Trials that were pruned after these visits."""


def rungs(results: StudyResults) -> list[Rung]:
    """A rung after every visit but the last; empty with fewer than `MIN_TRIALS` completed trials.

    Pruned trials have no end to compare with. So if there were any, the correlation is that among the better trials,
    and over all of them it would be greater.
    """
    done = [(trial.values[0], trial.report.rungs) for trial in results.completed() if trial.report is not None]
    if len(done) < MIN_TRIALS:
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
