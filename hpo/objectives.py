"""From a trial's report to the numbers that are optimised, and to the value by which a visit prunes it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import numpy as np

from segada.records import RunReport, VisitRecord
from segada.settings.base import Settings

DOMAIN_PREFIX = "miou/"


class ObjectiveSettings(Settings):
    """One number of a report, and which way is better."""

    metric: str
    """A key of `METRICS`, or `miou/<domain>`."""
    goal: Literal["maximise", "minimise"]


def objective_value(metric: str, report: RunReport) -> float:
    """The metric of a finished run. NaN where the report does not define it."""
    if metric.startswith(DOMAIN_PREFIX):
        return domain_miou(report, metric.removeprefix(DOMAIN_PREFIX))
    return METRICS[metric](report)


def objective_values(objectives: Sequence[ObjectiveSettings], report: RunReport) -> list[float]:
    """The numbers that a study is told of a finished run, in its order."""
    return [objective_value(objective.metric, report) for objective in objectives]


def domain_miou(report: RunReport, domain: str) -> float:
    """mIoU of a domain right after its last visit; of one that is never visited, at the end of the run."""
    visits = [visit for visit in report.visits if visit.domain == domain] or report.visits
    return visits[-1].miou.get(domain, np.nan)


def rung_value(visits: Sequence[VisitRecord], source_only: Mapping[str, float]) -> float:
    """Mean gain over the source model on the domains of these visits, each scored right after its visit.

    Prefixes of one stream compare by it: raw mIoU says more about which domains came first than about the trial.
    """
    return float(np.mean([visit.miou[visit.domain] - source_only[visit.domain] for visit in visits]))


def _worst_domain_miou(report: RunReport) -> float:
    return min(domain_miou(report, visit.domain) for visit in report.visits)


def _frames_per_second(report: RunReport) -> float:
    seconds = sum(visit.frames / visit.frames_per_second for visit in report.visits)
    return sum(visit.frames for visit in report.visits) / seconds


METRICS: dict[str, Callable[[RunReport], float]] = {
    "mean_miou": lambda report: report.mean_miou,
    "gain": lambda report: report.gain,
    "forgetting": lambda report: report.forgetting,
    "worst_domain_miou": _worst_domain_miou,
    "frames_per_second": _frames_per_second,
    "trainable_parameters": lambda report: float(report.trainable_parameters),
}

ACCURACY_METRICS = ("mean_miou", "gain", "worst_domain_miou")
"""Besides `miou/<domain>`, the metrics that the gain of the first visits foretells, so that it may prune by it."""
