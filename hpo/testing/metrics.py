"""Contract of every metric of the user."""

import math
from dataclasses import dataclass
from typing import Final

from hpo.config.code_metric import value_of_code
from segada.records import RunReport, VisitRecord
from segada.settings.class_sets import CITYSCAPES
from segada.testing.findings import Checks, require


@dataclass(frozen=True)
class MetricCase:
    """A metric by its name in settings."""

    name: str

    def value(self, report: RunReport) -> float:
        """Returns the value; requires that there is one."""
        value, problem = value_of_code(self.name, report)
        require(not problem, problem)
        return value


def report_of(miou: float = 0.5, *, labelled: bool = True) -> RunReport:
    """Returns the report of a run of two visits on the classes of Cityscapes.

    Args:
        miou: mIoU on the visited domains.
        labelled: False if the second of them has no labels.
    """
    scores = [{"clear": miou, "fog": miou - 0.1}, {"clear": miou - 0.05, "fog": miou}]
    iou = {name: miou + (0.1 if place % 2 else -0.1) for place, name in enumerate(CITYSCAPES.names)}
    visits = [
        VisitRecord(
            visit=number,
            domain=domain,
            frames=8,
            miou=scores[number] if labelled else {"clear": scores[number]["clear"]},
            iou=dict.fromkeys(scores[number] if labelled else ("clear",), iou),
            online_miou=miou if labelled or number == 0 else None,
            adaptation_speed=miou - 0.02 if labelled or number == 0 else None,
            speed_frames=8,
            label_free={"entropy": 0.4, "confidence": 0.8},
            losses={"clean": 0.2, "mix": 0.3},
            learning_rates={"encoder": 1e-3, "head": 1e-3},
            peak_memory=120.0,
            seconds=2.0,
            frames_per_second=8.0,
        )
        for number, domain in enumerate(("clear", "fog"))
    ]
    before = {"clear": 0.6, "fog": 0.4} if labelled else {"clear": 0.6}
    mean = sum(before.values()) / len(before)
    return RunReport(
        visits=visits,
        mean_miou=miou,
        source_only=before,
        source_only_mean_miou=mean,
        gain=miou - mean,
        forgetting=0.65 - miou,
        trainable_parameters=1000,
        seconds=4.0,
        settings_hash="0123456789",
        seed=0,
    )


def _number(case: MetricCase) -> None:
    case.value(report_of())


def _determined(case: MetricCase) -> None:
    report = report_of()
    kept = report.model_dump_json()
    first, second = case.value(report), case.value(report_of())
    require(first == second, f"the same report has the values {first} and {second}")
    require(report.model_dump_json() == kept, "the report is changed")


def _unlabelled(case: MetricCase) -> None:
    value, problem = value_of_code(case.name, report_of(labelled=False))
    require(not problem or problem.endswith("returns nan"), problem)
    require(math.isnan(value) or math.isfinite(value), f"it is {value}")


METRIC_CHECKS: Final[Checks[MetricCase]] = {
    "it is a finite number for a run on labelled domains": _number,
    "it is determined by the report, which stays as it is": _determined,
    "a domain without labels gives a number or NaN, and no error": _unlabelled,
}
