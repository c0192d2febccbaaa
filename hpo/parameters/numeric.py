"""Numbers in a range."""

import math
from typing import Annotated, Literal, Self

from optuna.distributions import FloatDistribution, IntDistribution
from optuna.trial import Trial
from pydantic import Field, model_validator

from hpo.parameters.base import ParameterSettings, Probe
from segada.settings.base import Count
from segada.settings.trees import Value


class FloatParameter(ParameterSettings):
    """A number in a range."""

    type: Literal["float"]
    low: float
    high: float
    log: bool = False
    """Sample evenly in the logarithm."""
    step: Annotated[float, Field(gt=0.0)] | None = None
    """Only `low` plus multiples of this."""
    default: float | None = None

    @model_validator(mode="after")
    def _range_is_possible(self) -> Self:
        _check_range(self.low, self.high, log=self.log)
        if self.step is not None and self.log:
            raise ValueError("step and log exclude each other; leave one out")
        if self.step is not None:
            steps = (self.high - self.low) / self.step
            if not math.isclose(steps, round(steps), abs_tol=1e-6):
                raise ValueError(
                    f"high - low must be a multiple of step, but is {self.high - self.low:g} with step {self.step:g}"
                )
        _check_default(self.low, self.high, self.default)
        return self

    @property
    def first(self) -> Value:
        return self.default

    def distribution(self) -> FloatDistribution:
        return FloatDistribution(self.low, self.high, log=self.log, step=self.step)

    def suggest(self, trial: Trial, path: str) -> float:
        return trial.suggest_float(path, self.low, self.high, log=self.log, step=self.step)

    def probes(self) -> list[Probe]:
        return [(("low",), self.low), (("high",), self.high)]

    def has(self, value: Value) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high


class IntParameter(ParameterSettings):
    """A whole number in a range."""

    type: Literal["int"]
    low: int
    high: int
    log: bool = False
    """Sample evenly in the logarithm."""
    step: Count = 1
    """Only `low` plus multiples of this."""
    default: int | None = None

    @model_validator(mode="after")
    def _range_is_possible(self) -> Self:
        _check_range(self.low, self.high, log=self.log)
        if self.log and self.step != 1:
            raise ValueError("step and log exclude each other; leave one out")
        if (self.high - self.low) % self.step:
            raise ValueError(f"high - low must be a multiple of step, but is {self.high - self.low} with {self.step}")
        _check_default(self.low, self.high, self.default)
        return self

    @property
    def first(self) -> Value:
        return self.default

    def distribution(self) -> IntDistribution:
        return IntDistribution(self.low, self.high, log=self.log, step=self.step)

    def suggest(self, trial: Trial, path: str) -> int:
        return trial.suggest_int(path, self.low, self.high, log=self.log, step=self.step)

    def probes(self) -> list[Probe]:
        return [(("low",), self.low), (("high",), self.high)]

    def has(self, value: Value) -> bool:
        whole = isinstance(value, int) and not isinstance(value, bool)
        return whole and isinstance(value, int) and value in range(self.low, self.high + 1, self.step)


def _check_range(low: float, high: float, *, log: bool) -> None:
    if not low < high:
        raise ValueError(f"low < high must hold, but low is {low:g} and high is {high:g}; swap them or fix the value")
    if log and low <= 0:
        raise ValueError(f"log needs low > 0, but low is {low:g}; raise it or leave log out")


def _check_default(low: float, high: float, default: float | None) -> None:
    if default is not None and not low <= default <= high:
        raise ValueError(f"default must be between {low:g} and {high:g}, but is {default:g}")
