"""Wording of constraints: by how much a trial breaks a limit, and which trials are passed over for it."""

import math
from collections.abc import Iterable

from hpo.reporting.wording import listed, metric_name, metric_with_unit, title
from hpo.results.confirmation import Confirmed
from hpo.results.feasibility import ConstraintResult
from hpo.results.results import StudyResults, TrialResult

MOST_PASSED_OVER = 3
"""Maximum number of trials that a sentence on constraints names; the tables have all."""
_DIGITS = range(4, 18)


def violation(result: ConstraintResult) -> str:
    """Returns how a broken constraint is broken: `exceeds peak_memory 900 by 12`."""
    if result.excess is None:
        return f"has no record of {result.text}"
    if math.isinf(result.excess):
        return f"does not define {result.metric}, which must be {_limit(result)}"
    verb = "exceeds" if result.is_upper else "falls short of"
    return f"{verb} {result.metric} {result.limit:g} by {result.excess:.3g}"


def violations(results: Iterable[ConstraintResult]) -> str:
    """Returns how all broken constraints of a trial are broken; empty if it keeps them."""
    return listed([violation(result) for result in results if not result.is_kept])


def constraint_value(result: ConstraintResult) -> str:
    """Returns the value with as many digits as show on which side of the limit it is; empty if it is unknown."""
    if result.value is None:
        return ""
    texts = [f"{result.value:.{digits}g}" for digits in _DIGITS]
    return next((text for text in texts if _breaks(result, float(text)) != result.is_kept), texts[-1])


def passed_over(results: StudyResults) -> list[str]:
    """Returns a sentence per trial that would lead if it kept the constraints, best first; of many, the first ones."""
    best, sign = results.best, 1.0 if results.maximized[0] else -1.0
    broken = sorted(
        (trial for trial in results.infeasible() if best is None or sign * (trial.values[0] - best.values[0]) > 0),
        key=lambda trial: sign * trial.values[0],
        reverse=True,
    )
    sentences = [f"{_has(trial, results.objectives[0])} but {violations(trial.constraints)}." for trial in broken]
    more = len(broken) - MOST_PASSED_OVER
    rest = [f"So it is with {more} more; results.csv has all."] if more > 0 else []
    return [*sentences[:MOST_PASSED_OVER], *rest]


def broken_by(run: Confirmed) -> list[str]:
    """Returns a sentence on the constraints that a confirmed configuration breaks with fresh seeds; none if it keeps
    them.
    """
    broken = [f"{text} by {excess:.3g}" for text, excess in run.violations.items()]
    return [f"On these frames {title(run.name)} breaks {listed(broken)}, on average over the seeds."] if broken else []


def _has(trial: TrialResult, metric: str) -> str:
    return f"Trial {trial.number} has {metric_name(metric)} {metric_with_unit(metric, trial.values[0])}"


def _breaks(result: ConstraintResult, shown: float) -> bool:
    return shown > result.limit if result.is_upper else shown < result.limit


def _limit(result: ConstraintResult) -> str:
    return f"at {'most' if result.is_upper else 'least'} {result.limit:g}"
