"""Quality of label-free scores for choosing trials: their ranking compared with that by true mIoU."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from hpo.results.confirmation import Estimate
from hpo.results.correlation import MIN_TRIALS, kendall, spearman
from hpo.results.digest import Report
from hpo.results.results import StudyResults
from segada.records import Record
from segada.settings.evaluation import HIGHER_IS_BETTER, LabelFreeName


class Ranking(Record):
    """Agreement of a score with the true mean mIoU over the completed trials that have it. Both are means over the
    visits to domains with labels.
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


class Power(Record):
    """Measured ability of a score to rank the trials of a study as mIoU on domains with labels does."""

    domains: list[str]
    """Domains with labels on which it is measured."""
    is_visited: bool
    """True if these domains are visited, and score and mIoU are of the same visits; otherwise the score is of all
    visits, and the mIoU of domains that are evaluated only."""
    trials: int
    """Number of completed trials with both."""
    spearman: Estimate | None
    """As in `Ranking`; null if all trials are equal in one of the two."""


def power(results: StudyResults, score: str) -> Power | None:
    """Returns the ranking power of a score in a study.

    It is measured on visited domains with labels; without any, on evaluated ones other than the source domain.

    Args:
        results: Results of the study.
        score: Name of a label-free score.

    Returns:
        None if no domain but the source has labels, or fewer than `MIN_TRIALS` completed trials have the score.
    """
    reports = [trial.report for trial in results.completed() if trial.report is not None]
    visited = [
        (report.label_free_scored[score], report.mean_miou)
        for report in reports
        if _has(report.label_free_scored, score)
    ]
    if len(visited) >= MIN_TRIALS:
        return _power(score, visited, results.scored, is_visited=True)
    domains = [] if results.scored else labelled(results)
    elsewhere = [
        (report.label_free[score], float(np.mean([report.elsewhere[name] for name in domains])))
        for report in reports
        if domains and _has(report.label_free, score) and report.elsewhere.keys() >= set(domains)
    ]
    return _power(score, elsewhere, domains, is_visited=False) if len(elsewhere) >= MIN_TRIALS else None


def labelled(results: StudyResults) -> list[str]:
    """Returns the domains on which the ranking power of a score can be measured: visited ones with labels; without any,
    evaluated ones with labels other than the source domain.
    """
    source = None if results.source is None else results.source.domain
    reports = [trial.report for trial in results.completed() if trial.report is not None]
    return results.scored or [name for name in (reports[0].elsewhere if reports else ()) if name != source]


def rankings(results: StudyResults) -> list[Ranking]:
    """Returns the ranking of every score that at least `MIN_TRIALS` completed trials have, best correlated first; none
    if no visited domain has labels.
    """
    reports = [trial.report for trial in results.completed() if trial.report is not None]
    found = []
    for score in HIGHER_IS_BETTER:
        scored = [report for report in reports if _has(report.label_free_scored, score)]
        if len(scored) >= MIN_TRIALS:
            found.append(_ranking(score, scored))
    return sorted(found, key=lambda one: -math.inf if one.spearman is None else one.spearman.value, reverse=True)


def chance(results: StudyResults) -> float:
    """Returns the expected regret of a completed trial that is drawn at random."""
    reports = [trial.report for trial in results.completed() if trial.report is not None]
    true = [report.mean_miou for report in reports if not math.isnan(report.mean_miou)]
    return max(true) - float(np.mean(true))


def _has(scores: Mapping[str, float], name: str) -> bool:
    return not math.isnan(scores.get(name, math.nan))


def _power(score: str, pairs: Sequence[tuple[float, float]], domains: Sequence[str], *, is_visited: bool) -> Power:
    values, true = np.array(pairs).T
    sign = _sign(score)
    return Power(
        domains=list(domains), is_visited=is_visited, trials=len(pairs), spearman=spearman(sign * values, true)
    )


def _sign(score: str) -> float:
    return next((1.0 if better else -1.0 for name, better in HIGHER_IS_BETTER.items() if name == score), 1.0)


def _ranking(score: LabelFreeName, reports: list[Report]) -> Ranking:
    values = np.array([_sign(score) * report.label_free_scored[score] for report in reports])
    true = np.array([report.mean_miou for report in reports])
    return Ranking(
        score=score,
        trials=len(reports),
        spearman=spearman(values, true),
        kendall=kendall(values, true),
        regret=float(true.max() - true[values == values.max()].mean()),
    )
