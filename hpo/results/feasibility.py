"""Constraints of a trial: what was measured, and by how much a limit is broken."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean

from hpo.config.objectives import UNDEFINED, ConstraintSettings, objective_value
from segada.records import RunReport


@dataclass(frozen=True, slots=True)
class ConstraintResult:
    """Value of a constraint's metric in a completed trial.

    Attributes:
        text: Constraint as text: `peak_memory at most 900`.
        metric: Metric or formula.
        limit: Least or greatest value that keeps the constraint.
        is_upper: True if the limit is the greatest value.
        value: Value in the trial; None if the trial does not define the metric, or its value was not recorded.
        excess: Amount by which the limit is broken, at most 0 if it is kept; infinite if the trial does not define the
            metric; None if it was not recorded.
    """

    text: str
    metric: str
    limit: float
    is_upper: bool
    value: float | None
    excess: float | None

    @property
    def is_kept(self) -> bool:
        """True if the limit is known to be kept."""
        return self.excess is not None and self.excess <= 0


def constraint_results(constraints: Sequence[ConstraintSettings], report: RunReport) -> tuple[ConstraintResult, ...]:
    """Returns the constraints of a finished run in the order of the study file."""
    return tuple(_result(one, one.violation(report), objective_value(one.metric, report)) for one in constraints)


def recorded_results(
    constraints: Sequence[ConstraintSettings], violations: Mapping[str, float]
) -> tuple[ConstraintResult, ...]:
    """Returns the constraints of a completed trial as the study's storage has them.

    Args:
        constraints: Constraints of the study.
        violations: Recorded violations, by the text of the constraint.
    """
    found = ((one, violations.get(one.text)) for one in constraints)
    return tuple(_result(one, broken, None if broken is None else one.value(broken)) for one, broken in found)


def mean_violations(constraints: Sequence[ConstraintSettings], reports: Sequence[RunReport]) -> dict[str, float]:
    """Returns by how much constraints are broken on average over runs, by their text; a kept constraint is absent, and
    so is one whose metric the runs do not define.
    """
    found = {one.text: [one.violation(report) for report in reports] for one in constraints}
    means = {text: mean(excesses) for text, excesses in found.items() if max(excesses) < UNDEFINED}
    return {text: excess for text, excess in means.items() if excess > 0}


def _result(constraint: ConstraintSettings, violation: float | None, value: float | None) -> ConstraintResult:
    is_defined = violation is not None and violation < UNDEFINED
    return ConstraintResult(
        text=constraint.text,
        metric=constraint.metric,
        limit=constraint.limit,
        is_upper=constraint.at_most is not None,
        value=value if is_defined else None,
        excess=violation if violation is None or is_defined else math.inf,
    )
