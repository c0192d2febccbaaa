"""Objectives, constraints and rung values, computed from a trial's report."""

import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, Self

import numpy as np
from pydantic import model_validator

from hpo.config.code_metric import value_of_code
from hpo.config.formula import Formula
from segada.core.named_code import is_code
from segada.records import RunReport, VisitRecord
from segada.settings.base import Settings
from segada.settings.named_kinds import portable

DOMAIN_PREFIX = "miou/"
GAIN_PREFIX = "gain/"
ONLINE_MIOU: Final = "online_miou"
ADAPTATION_SPEED: Final = "adaptation_speed"
PREQUENTIAL: Final = (ONLINE_MIOU, ADAPTATION_SPEED)
"""Metrics of frames that are predicted before they are learned from, which need `evaluation.online`."""
LABEL_FREE_PREFIX = "label_free/"
REPORTED_PREFIX = "metrics/"
"""Prefix of further figures that the program of an external engine reports."""
UNDEFINED: Final = sys.float_info.max
"""Violation of a constraint whose metric a run does not define; storages take no infinite one."""


class ObjectiveSettings(Settings):
    """Metric of a report and the direction in which it is optimized."""

    metric: str
    """A key of `METRICS`, `miou/<domain>`, `gain/<domain>`, `label_free/<score>` for a score that
    `run.evaluation.label_free` names, `metrics/<name>` for a figure that the program of an external engine reports, a
    formula over these: `gain - 0.01 * log(trainable_parameters)`, or a function of yours, `./metric.py:name`."""
    goal: Literal["maximize", "minimize"]


class ConstraintSettings(Settings):
    """Limit that a trial must satisfy to be eligible as the best, for example at least 10 frames per second."""

    metric: str
    """Metric or formula, as in an objective."""
    at_least: float | None = None
    at_most: float | None = None

    @model_validator(mode="after")
    def _one_limit(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError(f"a constraint on {self.metric} needs one limit: at_least or at_most")
        return self

    @property
    def text(self) -> str:
        """Constraint as text, `frames_per_second at least 10`, the same wherever the file of a metric of code is."""
        limit = f"at least {self.at_least}" if self.at_most is None else f"at most {self.at_most}"
        return f"{portable(self.metric)} {limit}"

    @property
    def limit(self) -> float:
        """Limit as a number: the least or the greatest value that keeps the constraint."""
        limit = self.at_least if self.at_most is None else self.at_most
        assert limit is not None
        return limit

    def value(self, violation: float) -> float:
        """Returns the metric's value from the violation; the last digits may differ from those of the run."""
        return self.limit + violation if self.at_least is None else self.limit - violation

    def violation(self, report: RunReport) -> float:
        """Returns the amount by which a finished run breaks the limit: at most 0 if it is kept, `UNDEFINED` if the
        metric is undefined.
        """
        value = objective_value(self.metric, report)
        if math.isnan(value):
            return UNDEFINED
        return value - self.limit if self.at_least is None else self.limit - value


def metrics_of(text: str) -> tuple[str, ...]:
    """Returns the metrics used by the `metric` of an objective or a constraint.

    Raises:
        FormulaError: it is neither the name of a metric nor a formula.
    """
    return (text,) if _is_name(text) else Formula(text).metrics


def objective_value(metric: str, report: RunReport) -> float:
    """Evaluates a metric, or a formula over metrics, on a finished run; NaN where the report does not define it, or a
    function of the user fails; see `hpo.config.code_metric`.
    """
    return (
        _metric_value(metric, report)
        if _is_name(metric)
        else Formula(metric).value(lambda name: _metric_value(name, report))
    )


_PREFIXES = (DOMAIN_PREFIX, GAIN_PREFIX, LABEL_FREE_PREFIX, REPORTED_PREFIX)


def _is_name(text: str) -> bool:
    is_prefixed = re.fullmatch(rf"(?:{'|'.join(_PREFIXES)})[\w.-]+", text) is not None
    return text in METRICS or is_code(text) or (is_prefixed and not _is_quotient(text))


def _is_quotient(text: str) -> bool:
    """Returns True for the metric `gain` divided by a number or by another metric."""
    divisor = text.removeprefix(GAIN_PREFIX)
    return divisor != text and (divisor in METRICS or re.fullmatch(r"[\d_.]+(?:e-?\d+)?", divisor) is not None)


def _metric_value(metric: str, report: RunReport) -> float:
    if is_code(metric):
        return value_of_code(metric, report)[0]
    if metric.startswith(DOMAIN_PREFIX):
        return domain_miou(report, metric.removeprefix(DOMAIN_PREFIX))
    if metric.startswith(GAIN_PREFIX):
        return domain_gain(report, metric.removeprefix(GAIN_PREFIX))
    if metric.startswith(LABEL_FREE_PREFIX):
        return label_free_score(report, metric.removeprefix(LABEL_FREE_PREFIX))
    if metric.startswith(REPORTED_PREFIX):
        name = metric.removeprefix(REPORTED_PREFIX)
        return float(np.mean([visit.metrics.get(name, np.nan) for visit in report.visits]))
    return METRICS[metric](report)


def domain_miou(report: RunReport, domain: str) -> float:
    """Returns the mIoU of a domain right after its last visit; at the end of the run if it is never visited."""
    return _domain_miou(report.visits, domain)


def domain_gain(report: RunReport, domain: str) -> float:
    """Returns `domain_miou` less the mIoU of the source model on the same frames."""
    return domain_miou(report, domain) - report.source_only.get(domain, math.nan)


def domains_miou(visits: Sequence[VisitRecord]) -> dict[str, float]:
    """Returns the mIoU of every scored domain after these visits, as `domain_miou` does."""
    domains = dict.fromkeys(domain for visit in visits for domain in visit.miou)
    return {domain: _domain_miou(visits, domain) for domain in domains}


def _domain_miou(visits: Sequence[VisitRecord], domain: str) -> float:
    visited = [visit for visit in visits if visit.domain == domain] or visits
    return visited[-1].miou.get(domain, np.nan)


def label_free_score(report: RunReport, score: str) -> float:
    """Returns a label-free score's mean over visits; NaN if a visit lacks it."""
    return float(np.mean([visit.label_free.get(score, np.nan) for visit in report.visits]))


def is_predicted(objective: ObjectiveSettings) -> bool:
    """Returns True if a rung's value predicts this objective, so that trials can be pruned by it."""
    return objective.metric in ACCURACY_METRICS or objective.metric.startswith((DOMAIN_PREFIX, GAIN_PREFIX))


def scored_domain(metric: str) -> str | None:
    """Returns the domain of `miou/<domain>` or `gain/<domain>`; None for another metric."""
    prefix = next((one for one in (DOMAIN_PREFIX, GAIN_PREFIX) if metric.startswith(one)), None)
    return None if prefix is None else metric.removeprefix(prefix)


def needs_visited_labels(metric: str) -> bool:
    """Returns True if a metric, no formula, is undefined for a run of which no visited domain has labels."""
    return metric in (*ACCURACY_METRICS, *PREQUENTIAL, "forgetting")


def needs_held_out(metric: str) -> bool:
    """Returns True if a metric, no formula, is undefined for a run that evaluates no held-out frame."""
    return metric in (*ACCURACY_METRICS, "forgetting") or scored_domain(metric) is not None


def _worst_domain_miou(report: RunReport) -> float:
    return min((domain_miou(report, visit.domain) for visit in report.visits if visit.is_scored), default=math.nan)


def _worst_gain(report: RunReport) -> float:
    return min((domain_gain(report, visit.domain) for visit in report.visits if visit.is_scored), default=math.nan)


def _online_miou(report: RunReport) -> float:
    """Returns the mean over visits of the mIoU of frames that are predicted before they are learned from."""
    return _mean_of(visit.online_miou for visit in report.visits)


def _adaptation_speed(report: RunReport) -> float:
    """Returns the mean over visits of the area under the curve of their first frames' prequential mIoU."""
    return _mean_of(visit.adaptation_speed for visit in report.visits)


def _mean_of(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else math.nan


def _frames_per_second(report: RunReport) -> float:
    seconds = sum(visit.frames / visit.frames_per_second for visit in report.visits)
    return sum(visit.frames for visit in report.visits) / seconds if seconds else math.nan


def _peak_memory(report: RunReport) -> float:
    """Returns the peak memory in MiB; the last visit's value covers the whole run."""
    peak = report.visits[-1].peak_memory
    return math.nan if peak is None else peak


METRICS: dict[str, Callable[[RunReport], float]] = {
    "mean_miou": lambda report: report.mean_miou,
    "gain": lambda report: report.gain,
    "forgetting": lambda report: report.forgetting,
    "worst_domain_miou": _worst_domain_miou,
    "worst_gain": _worst_gain,
    ONLINE_MIOU: _online_miou,
    ADAPTATION_SPEED: _adaptation_speed,
    "frames_per_second": _frames_per_second,
    "trainable_parameters": lambda report: float(report.trainable_parameters),
    "peak_memory": _peak_memory,
}

ACCURACY_METRICS = ("mean_miou", "gain", "worst_domain_miou", "worst_gain")
"""Metrics, besides `miou/<domain>` and `gain/<domain>`, that the gain of the first visits predicts, so that trials can
be pruned by it."""
