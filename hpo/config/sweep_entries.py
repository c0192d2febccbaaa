"""Parameters of a W&B sweep as they are written, before their translation into a search space."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TypeGuard

from pydantic import ValidationError

from hpo.config.sweep_distributions import SweepParameter
from segada.settings import RunSettings
from segada.settings.nested import Parts, Tree, Value
from segada.settings.schema import Slot, slots

Found = tuple[Parts, str]
"""Place in a sweep, and what is wrong there or worth knowing."""
EXPONENTS = {
    "log_uniform": "log_uniform_values",
    "q_log_uniform": "q_log_uniform_values",
    "inv_log_uniform": "inv_log_uniform_values",
}
"""Distributions whose ends are exponents of e, with those whose ends are values."""


@dataclass(frozen=True)
class Entry:
    """A parameter of a sweep as it is written.

    Attributes:
        path: Path of the setting.
        source: Its place in the sweep.
        given: Its keys and values.
    """

    path: str
    source: Parts
    given: Tree

    @cached_property
    def kind(self) -> str:
        """Name of its distribution, given or derived; empty if its keys are wrong."""
        try:
            return SweepParameter.model_validate(self.given).kind
        except ValidationError:
            return ""

    @cached_property
    def ends(self) -> tuple[float, float] | None:
        """Ends of its range; None if it has none."""
        low, high = self.given.get("min"), self.given.get("max")
        return (float(low), float(high)) if is_number(low) and is_number(high) and low < high else None

    @cached_property
    def takes_fractions(self) -> bool:
        """Whether the setting may lie between two whole numbers."""
        places = slots(RunSettings, self.path.split("."))
        return self.ends is not None and any(_accepts(place, self.ends[0] + 0.5) for place in places)


def entries(tree: Tree, path: str = "", source: Parts = ()) -> Iterator[Entry]:
    """Yields the parameters of a sweep, and those that are nested in them.

    Args:
        tree: Sweep, or a parameter that others are nested in.
        path: Path of the setting that the parameters are below.
        source: Place of `tree` in the sweep.
    """
    parameters = tree.get("parameters")
    for name, given in parameters.items() if isinstance(parameters, dict) else ():
        if isinstance(given, dict):
            entry = Entry(f"{path}.{name}" if path else name, (*source, "parameters", name), given)
            yield entry
            yield from entries(given, entry.path, entry.source)


def exponents_said(kind: str, low: float, high: float) -> str:
    """Returns the range that a distribution of `EXPONENTS` has, and how its ends would be values."""
    ends = sorted(math.exp(min(sign * end, 700.0)) for end in (low, high) for sign in (-1 if "inv" in kind else 1,))
    said = f"min and max are exponents of e in {kind}: {ends[0]:g} to {ends[1]:g}"
    if low < 0 and low.is_integer() and high.is_integer():
        return f"{said}; for powers of ten write distribution: {EXPONENTS[kind]}, min: 1e{low:g}, max: 1e{high:g}"
    return said if low <= 0 else f"{said}; for {low:g} to {high:g} write distribution: {EXPONENTS[kind]}"


def draws_whole_numbers(entry: Entry) -> bool:
    """Returns True if a setting that takes fractions gets whole numbers because nothing else was said."""
    is_derived = entry.kind == "int_uniform" and "distribution" not in entry.given
    return (is_derived or (entry.kind == "q_uniform" and "q" not in entry.given)) and entry.takes_fractions


def whole_said(entry: Entry, ends: tuple[float, float]) -> str:
    """Returns what a parameter draws for which `draws_whole_numbers` holds, and how it would draw fractions."""
    why = "without q, q_uniform draws" if entry.kind == "q_uniform" else "with whole numbers as min and max, W&B draws"
    return f"{why} whole numbers alone, from {ends[0]:g} to {ends[1]:g}; for those between write distribution: uniform"


def _accepts(place: Slot, value: float) -> bool:
    try:
        place.check(value)
    except ValidationError:
        return False
    return True


def is_number(value: Value) -> TypeGuard[float]:
    """Returns True for a finite number."""
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
