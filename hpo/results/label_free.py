"""Quality of label-free scores for choosing trials: their ranking compared with that by true mIoU."""

import math

import numpy as np

from hpo.results.confirmation import Estimate
from hpo.results.correlation import MIN_TRIALS, kendall, spearman
from hpo.results.digest import Report
from hpo.results.results import StudyResults
from segada.records import Record
from segada.settings.evaluation import HIGHER_IS_BETTER, LabelFreeName


class Ranking(Record):
    """Agreement of a score with the true mean mIoU over the completed trials that have it. Both are means
    over visits.
    """

    score: LabelFreeName
    trials: int
    spearman: Estimate | None
    """Spearman's correlation of the score, with its sign such that higher is better, with mIoU: above 0 if trials with
    a better score are better. Null if all trials are equal in one of the two.
    """
    kendall: Estimate | None
    """Kendall's tau-b, as in `spearman`."""
    regret: float
    """Difference in mIoU between the best trial and the trial with the best score; the mean over trials tied for the
    best score.
    """


def rankings(results: StudyResults) -> list[Ranking]:
    """Returns the ranking of every score that at least `MIN_TRIALS` completed trials have, best correlated first."""
    reports = [trial.report for trial in results.completed() if trial.report is not None]
    found = []
    for score in HIGHER_IS_BETTER:
        scored = [report for report in reports if not math.isnan(report.label_free.get(score, math.nan))]
        if len(scored) >= MIN_TRIALS:
            found.append(_ranking(score, scored))
    return sorted(found, key=lambda one: -math.inf if one.spearman is None else one.spearman.value, reverse=True)


def chance(results: StudyResults) -> float:
    """Returns the expected regret of a completed trial that is drawn at random."""
    true = [trial.report.mean_miou for trial in results.completed() if trial.report is not None]
    return max(true) - float(np.mean(true))


def _ranking(score: LabelFreeName, reports: list[Report]) -> Ranking:
    sign = 1.0 if HIGHER_IS_BETTER[score] else -1.0
    values = np.array([sign * report.label_free[score] for report in reports])
    true = np.array([report.mean_miou for report in reports])
    return Ranking(
        score=score,
        trials=len(reports),
        spearman=spearman(values, true),
        kendall=kendall(values, true),
        regret=float(true.max() - true[values == values.max()].mean()),
    )
