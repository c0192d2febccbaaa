"""From a trial's report to the numbers that are optimized, and to the value by which a visit prunes it."""

import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol, Self

import numpy as np
from pydantic import model_validator

from hpo.config.formula import Formula
from segada.records import RunReport
from segada.settings.base import Settings

DOMAIN_PREFIX = "miou/"
LABEL_FREE_PREFIX = "label_free/"


class ObjectiveSettings(Settings):
    """One number of a report, and which way is better."""

    metric: str
    """A key of `METRICS`, `miou/<domain>`, `label_free/<score>` for a score that `run.evaluation.label_free` names, or
    a formula over these: `gain - 0.01 * log(trainable_parameters)`."""
    goal: Literal["maximize", "minimize"]


class ConstraintSettings(Settings):
    """A limit that a trial must keep to be called best: at least so many frames per second, say."""

    metric: str
    """As of an objective."""
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"a constraint on {self.metric} needs one limit: at_least or at_most")
        return self

    @property
    def text(self) -> str:
        """For a person: `frames_per_second at least 10`."""
        return (
            f"{self.metric} at least {self.at_least}"
            if self.at_most is None
            else f"{self.metric} at most {self.at_most}"
        )

    def violation(self, report: RunReport) -> float:
        """By how much a finished run breaks the limit; at most 0 if it keeps it, huge where it is not defined."""
        value = objective_value(self.metric, report)
        if math.isnan(value):
            return sys.float_info.max
        if self.at_most is not None:
            return value - self.at_most
        assert self.at_least is not None
        return self.at_least - value


def metrics_of(text: str) -> tuple[str, ...]:
    """The metrics that an objective's or a constraint's `metric` is made of.

    Raises:
        FormulaError: it is neither the name of a metric nor a formula.
    """
    return (text,) if _is_name(text) else Formula(text).metrics


def objective_value(metric: str, report: RunReport) -> float:
    """The metric, or the formula over metrics, of a finished run. NaN where the report does not define it."""
    return (
        _metric_value(metric, report)
        if _is_name(metric)
        else Formula(metric).value(lambda name: _metric_value(name, report))
    )


def _is_name(text: str) -> bool:
    return text in METRICS or re.fullmatch(rf"(?:{DOMAIN_PREFIX}|{LABEL_FREE_PREFIX})[\w.-]+", text) is not None


def _metric_value(metric: str, report: RunReport) -> float:
    if metric.startswith(DOMAIN_PREFIX):
        return domain_miou(report, metric.removeprefix(DOMAIN_PREFIX))
    if metric.startswith(LABEL_FREE_PREFIX):
        return label_free_score(report, metric.removeprefix(LABEL_FREE_PREFIX))
    return METRICS[metric](report)


def domain_miou(report: RunReport, domain: str) -> float:
    """mIoU of a domain right after its last visit; of one that is never visited, at the end of the run."""
    visits = [visit for visit in report.visits if visit.domain == domain] or report.visits
    return visits[-1].miou.get(domain, np.nan)


def label_free_score(report: RunReport, score: str) -> float:
    """Mean over visits; NaN if a visit has no such score."""
    return float(np.mean([visit.label_free.get(score, np.nan) for visit in report.visits]))


class Visited(Protocol):
    """What of a visit a rung's value goes by."""

    @property
    def domain(self) -> str:
        """That was visited."""

    @property
    def miou(self) -> Mapping[str, float]:
        """Of every domain, after the visit."""


RungValue = Callable[[Sequence[Visited], Mapping[str, float], Sequence[str]], float]
"""From the visits so far, the source model's mIoU by domain, and the domains of the whole stream in its order."""


def gain_so_far(visits: Sequence[Visited], source_only: Mapping[str, float], route: Sequence[str] = ()) -> float:  # noqa: ARG001
    """Mean gain over the source model on the domains of these visits, each scored right after its visit.

    Prefixes of one stream compare by it: raw mIoU says more about which domains came first than about the trial.
    """
    return float(np.mean([visit.miou[visit.domain] - source_only[visit.domain] for visit in visits]))


def projected_gain(visits: Sequence[Visited], source_only: Mapping[str, float], route: Sequence[str]) -> float:
    """The gain of the whole stream if the model stayed as it is now: domains to come count as they are scored now.

    Every domain is scored after every visit anyway. What hardly learns gains most where the weather has hardly turned,
    and is overtaken; on the domains ahead that shows from the second visit on (`docs/samplers.md` has the numbers).
    """
    ahead = [visits[-1].miou[domain] - source_only[domain] for domain in route[len(visits) :]]
    return float(np.mean([visit.miou[visit.domain] - source_only[visit.domain] for visit in visits] + ahead))


RUNG_VALUES: Mapping[str, RungValue] = {"gain_so_far": gain_so_far, "projected_gain": projected_gain}
"""What trials may be compared by after a visit; larger is better."""


def rung_losses(objectives: Sequence[ObjectiveSettings], report: RunReport, visits: int, value: float) -> list[float]:
    """What trials with several objectives are compared by after so many visits; smaller is better in each.

    The rung's value stands for all objectives that it foretells (`is_foretold`), and the others for themselves, as if
    the run ended here: frames per second, say, or trainable parameters.

    Args:
        objectives: of the study.
        report: of the trial.
        visits: the first of its visits, which alone count.
        value: of the rung, larger being better: one of `RUNG_VALUES`.
    """
    early = _first_visits(report, visits)
    losses = [-value] if any(is_foretold(one) for one in objectives) else []
    for objective in objectives:
        if not is_foretold(objective):
            reached = objective_value(objective.metric, early)
            losses.append(-reached if objective.goal == "maximize" else reached)
    return losses


def is_foretold(objective: ObjectiveSettings) -> bool:
    """Whether a rung's value says something of this objective, so that it may prune by it."""
    return objective.metric in ACCURACY_METRICS or objective.metric.startswith(DOMAIN_PREFIX)


def _first_visits(report: RunReport, count: int) -> RunReport:
    """The report as it was after so many visits."""
    visits, before = report.visits[:count], report.source_only
    gain = gain_so_far(visits, before)
    source_only = float(np.mean([before[visit.domain] for visit in visits]))
    changed = {
        "visits": visits,
        "mean_miou": source_only + gain,
        "source_only_mean_miou": source_only,
        "gain": gain,
        "forgetting": before[visits[0].domain] - visits[-1].miou[visits[0].domain],
    }
    return report.model_copy(update=changed)


def _worst_domain_miou(report: RunReport) -> float:
    return min(domain_miou(report, visit.domain) for visit in report.visits)


def _frames_per_second(report: RunReport) -> float:
    seconds = sum(visit.frames / visit.frames_per_second for visit in report.visits)
    return sum(visit.frames for visit in report.visits) / seconds


def _peak_memory(report: RunReport) -> float:
    """In MiB. Of the run so far, so that the last visit has that of all."""
    peak = report.visits[-1].peak_memory
    return math.nan if peak is None else peak


METRICS: dict[str, Callable[[RunReport], float]] = {
    "mean_miou": lambda report: report.mean_miou,
    "gain": lambda report: report.gain,
    "forgetting": lambda report: report.forgetting,
    "worst_domain_miou": _worst_domain_miou,
    "frames_per_second": _frames_per_second,
    "trainable_parameters": lambda report: float(report.trainable_parameters),
    "peak_memory": _peak_memory,
}

ACCURACY_METRICS = ("mean_miou", "gain", "worst_domain_miou")
"""Besides `miou/<domain>`, the metrics that the gain of the first visits foretells, so that it may prune by it."""
