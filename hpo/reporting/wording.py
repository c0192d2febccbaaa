"""Wording of results: names, numbers with units, durations."""

import math
from collections.abc import Sequence
from typing import Literal

from hpo.config.objectives import DOMAIN_PREFIX, GAIN_PREFIX, LABEL_FREE_PREFIX, REPORTED_PREFIX
from hpo.results.confirmation import Estimate
from hpo.study.names import DEFAULT
from segada.settings.named_kinds import portable

TITLES = {"source_only": "source only", "batch_norm": "batch norm", DEFAULT: "default"}
"""Readable names of the baselines and the default configuration."""

LONG_TITLES = {
    "source_only": "the untouched source model",
    "batch_norm": "batch-norm re-estimation",
    DEFAULT: "the default configuration",
}
"""The same, as sentences name them."""

_METRICS = {
    "mean_miou": ("mean mIoU", "%"),
    "gain": ("gain", "points"),
    "forgetting": ("forgetting", "points"),
    "worst_domain_miou": ("mIoU of the worst domain", "%"),
    "online_miou": ("online mIoU", "%"),
    "adaptation_speed": ("adaptation speed", "%"),
    "worst_gain": ("least gain of a domain", "points"),
    "frames_per_second": ("frames per second", ""),
    "trainable_parameters": ("trainable parameters", ""),
    "peak_memory": ("peak memory in MiB", ""),
}
"""Title and unit of every metric; metrics with a unit are fractions in the records."""


def long_title(name: str) -> str:
    """Returns the name of a baseline or of the default configuration as sentences have it."""
    return LONG_TITLES.get(name, f"the baseline {name}")


def title(name: str) -> str:
    """Returns the readable name of a run."""
    return TITLES.get(name, name)


def label_free_title(score: str) -> str:
    """Returns the readable name of a label-free score: `source mIoU`, `batch nuclear norm`."""
    return score.replace("_", " ").replace("miou", "mIoU")


def points(estimate: Estimate) -> str:
    """Returns a gain in mIoU points with its interval: `+3.2 (2.1 to 4.4)`."""
    return f"{tenths(estimate.value, '+')} ({interval(estimate)})"


def interval(estimate: Estimate) -> str:
    """Returns the ends of an estimate's interval: `2.1 to 4.4`."""
    return f"{tenths(estimate.low)} to {tenths(estimate.high)}"


def not_scored(*, holds_out: bool) -> str:
    """Returns the text before the names of domains that are not scored.

    Args:
        holds_out: False if the study evaluates no held-out frame.
    """
    reason = "no held-out frame has a labelled pixel" if holds_out else "run.evaluation.domains is []"
    return f"adapted to, not scored, because {reason}"


def unknown(*, holds_out: bool) -> str:
    """Returns the reason why a study has no mIoU of visited domains, as a clause; `holds_out` as in `not_scored`."""
    return "no visited domain has labels" if holds_out else "no held-out frame is scored"


def tenths(value: float, sign: Literal["+", "-"] = "-") -> str:
    """Returns a fraction in points with one decimal, never `-0.0`; `sign` as in format strings. NaN is `-`."""
    if math.isnan(value):
        return "-"
    # Adding zero turns a negative zero into a positive one.
    return f"{round(100 * value, 1) + 0.0:{sign}.1f}"


def metric_title(metric: str) -> str:
    """Returns the readable name of a metric with its unit: `mean mIoU, %`."""
    name, unit = _named(metric)
    return f"{name}, {unit}" if unit else name


def metric_name(metric: str) -> str:
    """Returns the readable name of a metric without its unit."""
    return _named(metric)[0]


def in_unit(metric: str, value: float) -> float:
    """Returns a metric's value in the unit of `metric_title`."""
    return 100 * value if _named(metric)[1] else value


def metric_value(metric: str, value: float) -> str:
    """Returns a metric's value in the unit of `metric_title` as text; NaN is `-`."""
    if math.isnan(value):
        return "-"
    return tenths(value) if _named(metric)[1] else f"{value:.4g}"


def metric_with_unit(metric: str, value: float) -> str:
    """Returns a metric's value as text with its unit: `61.9 %`; NaN is `-`."""
    return "-" if math.isnan(value) else f"{metric_value(metric, value)} {_named(metric)[1]}".rstrip()


def listed(words: Sequence[str]) -> str:
    """Returns words joined for a sentence: `a`, `a and b`, `a, b and c`; empty for none."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def counted(count: int, noun: str) -> str:
    """Returns a number with its noun in the singular or plural: `1 run`, `2 runs`; the plural adds an s."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def clock(seconds: float) -> str:
    """Returns a duration as text: `4:07`, or `2:14:07` from an hour on."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _named(metric: str) -> tuple[str, str]:
    if metric.startswith(DOMAIN_PREFIX):
        return f"mIoU of {metric.removeprefix(DOMAIN_PREFIX)}", "%"
    if metric.startswith(GAIN_PREFIX):
        return f"gain in {metric.removeprefix(GAIN_PREFIX)}", "points"
    if metric.startswith(LABEL_FREE_PREFIX):
        return f"{label_free_title(metric.removeprefix(LABEL_FREE_PREFIX))} (no labels)", ""
    if metric.startswith(REPORTED_PREFIX):
        return metric.removeprefix(REPORTED_PREFIX), ""
    # A formula is its own name, and so is code of a user.
    return _METRICS.get(metric, (portable(metric), ""))
