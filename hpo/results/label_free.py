"""How well each label-free score would have chosen: its ranking of the trials against that by their true mIoU."""

import math

import numpy as np

from hpo.results.confirmation import Estimate
from hpo.results.correlation import MIN_TRIALS, kendall, spearman
from hpo.results.digest import Report
from hpo.results.results import StudyResults
from segada.records import Record
from segada.settings.evaluation import HIGHER_IS_BETTER, LabelFreeName


class Ranking(Record):
    """What a score says of the true mean mIoU, over completed trials that have it. Both are means over visits."""

    score: LabelFreeName
    trials: int
    spearman: Estimate | None
    """Above 0 where the trials that it calls better are better, whether it is a score to be high or to be low. Null
    where all trials are alike in one of the two."""
    kendall: Estimate | None
    """Tau-b, as above."""
    regret: float
    """mIoU that the trial which it puts first lacks to the best one; of several in the first place, their mean."""


def rankings(results: StudyResults) -> list[Ranking]:
    """Of every score that at least `MIN_TRIALS` completed trials have, the best correlated first."""
    reports = [trial.report for trial in results.completed() if trial.report is not None]
    found = []
    for score in HIGHER_IS_BETTER:
        scored = [report for report in reports if not math.isnan(report.label_free.get(score, math.nan))]
        if len(scored) >= MIN_TRIALS:
            found.append(_ranking(score, scored))
    return sorted(found, key=lambda one: -math.inf if one.spearman is None else one.spearman.value, reverse=True)


def chance(results: StudyResults) -> float:
    """The regret to be expected of a completed trial that is drawn by lot."""
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
