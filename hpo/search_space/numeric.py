"""Numeric parameters: ranges of floats and integers."""

import math
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import Field, model_validator

from hpo.search_space.conditions import Comparison, Test, listed
from hpo.search_space.parameter import Dimension, ParameterSettings, Probe, Raw
from segada.settings.limits import LEVELS
from segada.settings.nested import Value


class FloatParameter(ParameterSettings):
    """Float in a range, or a value that switches the setting off."""

    comparable: ClassVar[tuple[str, ...]] = ("above", "below", "other_than")
    type: Literal["float"]
    low: float
    high: float
    log: bool = False
    """Sample uniformly in the logarithm."""
    step: Annotated[float, Field(gt=0.0)] | None = None
    """Allow only `low` plus multiples of this step."""
    off: float | None = None
    """Value outside the range that switches the setting off, as 0.0 does for a weight; it is a category of its own."""
    default: float | None = None

    @model_validator(mode="after")
    def _range_is_possible(self) -> Self:
        _check_range(self.low, self.high, log=self.log)
        if self.step is not None and self.log:
            raise ValueError("step and log exclude each other; leave one out")
        _check_levels(self.low, self.high, self.step)
        if self.step is not None and not is_whole((self.high - self.low) / self.step):
            raise ValueError(
                f"high - low must be a multiple of step, but is {self.high - self.low:g} with step {self.step:g}"
            )
        if self.off is not None and self.low <= self.off <= self.high:
            raise ValueError(
                f"off must be outside {self.low:g} to {self.high:g}, but is {self.off:g}; narrow the range, or leave "
                "off out"
            )
        if self.default is not None and not self.has(self.default):
            raise ValueError(_wrong_default(self, self.default))
        return self

    @property
    def first(self) -> Value:
        return self.default

    @property
    def described(self) -> str:
        return ("" if self.off is None else f"{self.off:g} | ") + _range_in_words(self)

    def distribution(self) -> FloatDistribution:
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def dimensions(self, path: str, parameters: Mapping[str, ParameterSettings]) -> tuple[Dimension, ...]:
        if self.off is None:
            return super().dimensions(path, parameters)
        switch = _switch(path)
        return (
            Dimension(switch, CategoricalDistribution((False, True))),
            Dimension(path, self.distribution(), needs={switch: True}),
        )

    def decoded(self, path: str, raw: Mapping[str, Raw]) -> Value:
        return raw.get(path, self.off)

    def encoded(self, path: str, value: Value, values: Mapping[str, Value]) -> dict[str, Raw]:  # noqa: ARG002
        assert isinstance(value, int | float)
        if self.off is None:
            return {path: float(value)}
        return {_switch(path): False} if value == self.off else {_switch(path): True, path: float(value)}

    def has(self, value: Value) -> bool:
        return (value is not None and value == self.off) or _is_within(self, value)

    def probes(self) -> list[Probe]:
        ends: list[Probe] = [(("low",), self.low), (("high",), self.high)]
        return ends if self.off is None else [*ends, (("off",), self.off)]

    def cardinality(self, values: Mapping[str, Value]) -> float:  # noqa: ARG002
        if self.step is None:
            return math.inf
        return round((self.high - self.low) / self.step) + 1 + (self.off is not None)

    def options(self) -> tuple[Value, ...]:
        if self.step is None:
            return ()
        # Values are rounded to the grid as in Optuna.
        steps = [self.low + index * self.step for index in range(round((self.high - self.low) / self.step) + 1)]
        return (*([] if self.off is None else [self.off]), *steps)

    def mismatch(self, test: Test) -> str | None:
        values = () if isinstance(test, Comparison) else listed(test)
        exact = [value for value in values if value != self.off]
        if exact and self.step is None and not isinstance(test, Comparison):
            return f"is continuous, so that it is never exactly {exact[0]!r}; write {{above: ...}} or {{below: ...}}"
        numbers = (self.low, self.high) if self.off is None else (self.low, self.high, self.off)
        return super().mismatch(test) or _unreachable(test, min(numbers), max(numbers))


class IntParameter(ParameterSettings):
    """Integer in a range."""

    comparable: ClassVar[tuple[str, ...]] = ("above", "below", "other_than")
    type: Literal["int"]
    low: int
    high: int
    log: bool = False
    """Sample uniformly in the logarithm."""
    step: Annotated[int, Field(ge=1)] = 1
    """Allow only `low` plus multiples of this step."""
    default: int | None = None

    @model_validator(mode="after")
    def _range_is_possible(self) -> Self:
        _check_range(self.low, self.high, log=self.log)
        if self.log and self.step != 1:
            raise ValueError("step and log exclude each other; leave one out")
        if not self.log:
            _check_levels(self.low, self.high, self.step)
        if (self.high - self.low) % self.step:
            raise ValueError(f"high - low must be a multiple of step, but is {self.high - self.low} with {self.step}")
        if self.default is not None and not self.has(self.default):
            raise ValueError(_wrong_default(self, self.default))
        return self

    @property
    def first(self) -> Value:
        return self.default

    @property
    def described(self) -> str:
        return _range_in_words(self)

    def distribution(self) -> IntDistribution:
        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    def has(self, value: Value) -> bool:
        return isinstance(value, int) and _is_within(self, value)

    def probes(self) -> list[Probe]:
        return [(("low",), self.low), (("high",), self.high)]

    def cardinality(self, values: Mapping[str, Value]) -> float:  # noqa: ARG002
        return (self.high - self.low) // self.step + 1

    def options(self) -> tuple[Value, ...]:
        return tuple(range(self.low, self.high + 1, self.step))

    def mismatch(self, test: Test) -> str | None:
        return super().mismatch(test) or _unreachable(test, self.low, self.high)


def _switch(path: str) -> str:
    """Returns the name of the category that switches the parameter at a path on or off."""
    return f"{path}.on"


def _check_range(low: float, high: float, *, log: bool) -> None:
    if not low < high:
        raise ValueError(f"low < high must hold, but low is {low:g} and high is {high:g}; swap them or fix the value")
    if log and low <= 0:
        raise ValueError(f"log needs low > 0, but low is {low:g}; raise it or leave log out")


def _check_levels(low: float, high: float, step: float | None) -> None:
    if not math.isfinite(high - low):
        raise ValueError(
            f"low is {low:g} and high {high:g}, and their difference exceeds the largest number; narrow the range"
        )
    # A quotient could overflow, so the product is compared.
    if step is not None and high - low > step * LEVELS:
        raise ValueError(
            f"has more than {LEVELS:,} values from low {low:g} to high {high:g} with step {step:g}; choose a larger "
            "step, or narrow the range"
        )


def _is_within(parameter: FloatParameter | IntParameter, value: Value) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    if not parameter.low <= value <= parameter.high:
        return False
    return parameter.step is None or is_whole((value - parameter.low) / parameter.step)


def is_whole(number: float) -> bool:
    """Returns True if a number is an integer up to rounding errors, as a multiple of a step is."""
    return math.isclose(number, round(number), abs_tol=1e-6)


def _range_in_words(parameter: FloatParameter | IntParameter) -> str:
    words = f"{parameter.low:g} to {parameter.high:g}"
    if parameter.log:
        return f"{words}, log"
    return words if parameter.step in (None, 1) else f"{words} by {parameter.step:g}"


def _wrong_default(parameter: FloatParameter | IntParameter, default: float) -> str:
    between = f"between {parameter.low:g} and {parameter.high:g}"
    grid = "" if parameter.step in (None, 1) else f" in steps of {parameter.step:g}"
    return f"default must be {between}{grid}, but is {default:g}"


def _unreachable(test: Test, smallest: float, largest: float) -> str | None:
    if not isinstance(test, Comparison):
        return None
    if (test.above is not None and test.above >= largest) or (test.below is not None and test.below <= smallest):
        return f"is between {smallest:g} and {largest:g}, so that this never holds"
    return None
