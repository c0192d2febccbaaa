"""Metrics of the user: functions of the report of a finished run, named as `./file.py:name`."""

import math
from collections.abc import Callable, Iterable
from typing import cast

import numpy as np
from pydantic_core import PydanticCustomError

from segada.core.named_code import is_code, load_code
from segada.records import RunReport
from segada.settings.named_kinds import checked_name, is_without_code


def problem_of(name: str) -> str:
    """Returns why the code that a metric names cannot be a metric; empty if it can."""
    try:
        checked_name("metric", name)
    except PydanticCustomError as problem:
        return str(problem)
    return ""


def value_of_code(name: str, report: RunReport) -> tuple[float, str]:
    """Returns the value of a metric of the user, and the reason why it is NaN; the reason is empty if it is not.

    Within `without_code` it is NaN: commands that show what others ran take the values that a study has recorded.
    """
    if is_without_code():
        return math.nan, f"the metric {name} is code, which is not imported here"
    try:
        value: object = cast("Callable[[RunReport], object]", load_code(name))(report)
    except Exception as error:  # noqa: BLE001 - code of others may raise anything
        return math.nan, f"the metric {name} fails: {type(error).__name__}: {error}"
    if isinstance(value, bool) or not isinstance(value, int | float | np.floating | np.integer):
        return math.nan, f"the metric {name} returns {value!r}, which is no number"
    return float(value), "" if math.isfinite(value) else f"the metric {name} returns {value}"


def failure_of(metrics: Iterable[str], report: RunReport) -> str:
    """Returns why a metric of the user has no value for a finished run; empty if all have one."""
    return next((why for name in metrics if is_code(name) and (why := value_of_code(name, report)[1])), "")


def is_unread(metrics: Iterable[str]) -> bool:
    """Returns True if some of the metrics are code of the user that is not imported here."""
    return is_without_code() and any(map(is_code, metrics))
