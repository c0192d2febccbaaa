"""The kinds of parameter that a space is made of: what each may be, and how Optuna is asked for it."""

import itertools
import math
from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial
from pydantic import Field, model_validator

from segada.settings.base import Count, Sequence, Settings
from segada.settings.trees import Value

Scalar = str | int | float | bool | None
Raw = str | int | float | bool | None
"""A value as Optuna stores it; differs from the setting's value for subsets alone."""

Probe = tuple[tuple[str | int, ...], Value]
"""A value, and where below the parameter in the file it comes from."""

MAX_SUBSETS = 1024
"""More would make a categorical dimension that no sampler can learn, and a line of the journal that is too long."""


class ParameterSettings(Settings):
    """Base of every kind: one dimension of the space, standing for one path in `RunSettings`."""

    when: dict[str, Scalar | Sequence[Scalar]] = Field(default_factory=dict)
    """Other parameters of the space and the value, or values, that they must have for this one to matter."""

    @property
    def conditions(self) -> Mapping[str, tuple[Scalar, ...]]:
        """`when` with every condition as a tuple of admitted values."""
        return {path: values if isinstance(values, tuple) else (values,) for path, values in self.when.items()}

    @property
    @abstractmethod
    def first(self) -> Value:
        """The default, tried before anything is sampled; None without one, see `has_default`."""

    @property
    def has_default(self) -> bool:
        """Whether the file gives a default: null is one only where it is a choice."""
        return "default" in self.model_fields_set and (self.first is not None or None in self.options())

    @abstractmethod
    def distribution(self) -> BaseDistribution:
        """What Optuna stores with every trial."""

    @abstractmethod
    def suggest(self, trial: Trial, path: str) -> Raw:
        """Asks the study's sampler for a value."""

    @abstractmethod
    def probes(self) -> list[Probe]:
        """Values that suffice to know whether every value fits a setting."""

    def decode(self, raw: Raw) -> Value:
        """The setting's value that a stored one stands for."""
        return raw

    def encode(self, value: Value) -> Raw:
        """The stored value that stands for a setting's."""
        assert not isinstance(value, list | dict)
        return value

    def has(self, value: Value) -> bool:
        """Whether the parameter can take this value."""
        return self.encode(value) in self.options()

    def options(self) -> tuple[Raw, ...]:
        """Every value in storage form, of a parameter that has few; none of one that is a range."""
        return ()


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


class ChoiceParameter(ParameterSettings):
    """One of several values without an order."""

    type: Literal["choice"]
    choices: Sequence[Scalar] = Field(min_length=1)
    default: Scalar = None

    @model_validator(mode="after")
    def _choices_differ(self) -> Self:
        _check_distinct("choices", self.choices)
        if self.default is not None and self.default not in self.choices:
            raise ValueError(f"default must be one of choices, but is {self.default!r}")
        return self

    @property
    def first(self) -> Value:
        return self.default

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution(self.choices)

    def suggest(self, trial: Trial, path: str) -> Raw:
        return trial.suggest_categorical(path, self.choices)

    def probes(self) -> list[Probe]:
        return [(("choices", index), choice) for index, choice in enumerate(self.choices)]

    def options(self) -> tuple[Raw, ...]:
        return self.choices


class BoolParameter(ParameterSettings):
    """On or off."""

    type: Literal["bool"]
    default: bool | None = None

    @property
    def first(self) -> Value:
        return self.default

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution((False, True))

    def suggest(self, trial: Trial, path: str) -> Raw:
        return trial.suggest_categorical(path, (False, True))

    def probes(self) -> list[Probe]:
        return [(("type",), False), (("type",), True)]

    def options(self) -> tuple[Raw, ...]:
        return (False, True)


class SubsetParameter(ParameterSettings):
    """Several of some values: a list of them, in the order in which they stand in `of`."""

    type: Literal["subset"]
    of: Sequence[str | int] = Field(min_length=1)
    min_size: Annotated[int, Field(ge=0)] = 1
    max_size: Count | None = None
    """Null admits all of them."""
    default: Sequence[str | int] | None = None

    @model_validator(mode="after")
    def _subsets_exist(self) -> Self:
        _check_distinct("of", tuple(str(member) for member in self.of))
        if any("+" in str(member) for member in self.of):
            raise ValueError("no member of `of` may contain '+', which joins them in the study's storage")
        if not self.min_size <= self.largest <= len(self.of):
            raise ValueError(
                f"min_size <= max_size <= {len(self.of)} (the members of `of`) must hold, but min_size is "
                f"{self.min_size} and max_size {self.largest}"
            )
        count = sum(math.comb(len(self.of), size) for size in range(self.min_size, self.largest + 1))
        if count > MAX_SUBSETS:
            raise ValueError(f"has {count} subsets, more than {MAX_SUBSETS}; narrow min_size and max_size, or `of`")
        if self.default is not None and not self.has(list(self.default)):
            raise ValueError(f"default must be an allowed subset in the order of `of`, but is {list(self.default)}")
        return self

    @property
    def largest(self) -> int:
        return len(self.of) if self.max_size is None else self.max_size

    @property
    def first(self) -> Value:
        return None if self.default is None else list(self.default)

    def subsets(self) -> list[tuple[str | int, ...]]:
        """Every allowed subset, small ones first."""
        sizes = range(self.min_size, self.largest + 1)
        return [subset for size in sizes for subset in itertools.combinations(self.of, size)]

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution(self.options())

    def suggest(self, trial: Trial, path: str) -> Raw:
        return trial.suggest_categorical(path, self.options())

    def probes(self) -> list[Probe]:
        return [(("of",), list(subset)) for subset in self.subsets()]

    def options(self) -> tuple[Raw, ...]:
        return tuple(_joined(subset) for subset in self.subsets())

    def decode(self, raw: Raw) -> Value:
        members = {str(member): member for member in self.of}
        return [members[name] for name in str(raw).split("+")] if raw else []

    def encode(self, value: Value) -> Raw:
        assert isinstance(value, list)
        return "+".join(str(member) for member in value)


Parameter = Annotated[
    FloatParameter | IntParameter | ChoiceParameter | BoolParameter | SubsetParameter, Field(discriminator="type")
]


def _joined(subset: tuple[str | int, ...]) -> str:
    return "+".join(str(member) for member in subset)


def _check_range(low: float, high: float, *, log: bool) -> None:
    if not low < high:
        raise ValueError(f"low < high must hold, but low is {low:g} and high is {high:g}; swap them or fix the value")
    if log and low <= 0:
        raise ValueError(f"log needs low > 0, but low is {low:g}; raise it or leave log out")


def _check_default(low: float, high: float, default: float | None) -> None:
    if default is not None and not low <= default <= high:
        raise ValueError(f"default must be between {low:g} and {high:g}, but is {default:g}")


def _check_distinct(key: str, values: tuple[Scalar, ...]) -> None:
    # 1, 1.0 and True are the same key to Python and to Optuna.
    if len(set(values)) != len(values):
        raise ValueError(f"{key} must differ from each other, but are {list(values)}")
