"""Categorical parameters: choices and switches."""

import json
from collections.abc import Mapping
from functools import cached_property
from typing import Literal, Self

from optuna.distributions import CategoricalDistribution
from pydantic import Field, model_validator

from hpo.search_space.conditions import Scalar
from hpo.search_space.parameter import ParameterSettings, Probe, Raw, check_distinct
from segada.settings.base import Sequence
from segada.settings.limits import CHOICES
from segada.settings.nested import Value
from segada.settings.validation_errors import shown

Choice = Scalar | Sequence[Scalar]


class ChoiceParameter(ParameterSettings):
    """One of several unordered values; a value may be a list, such as a placement pattern per stage."""

    type: Literal["choice"]
    choices: Sequence[Choice] = Field(min_length=1, max_length=CHOICES)
    default: Choice = None

    @model_validator(mode="after")
    def _choices_differ(self) -> Self:
        check_distinct("choices", tuple(map(_stored, self.options())))
        if self.default is not None and not self.has(self.first):
            raise ValueError(f"default must be one of choices, but is {shown(self.first)}")
        return self

    @property
    def first(self) -> Value:
        return _plain(self.default)

    @property
    def described(self) -> str:
        return " | ".join(json.dumps(option) for option in self.options())

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution([_stored(option) for option in self.options()])

    def decoded(self, path: str, raw: Mapping[str, Raw]) -> Value:
        return self._by_stored[raw[path]]

    def encoded(self, path: str, value: Value, values: Mapping[str, Value]) -> dict[str, Raw]:  # noqa: ARG002
        return {path: _stored(value)}

    def has(self, value: Value) -> bool:
        stored = _stored(value)
        return stored in self._by_stored and self._by_stored[stored] == value

    def probes(self) -> list[Probe]:
        return [(("choices", index), option) for index, option in enumerate(self.options())]

    def options(self) -> tuple[Value, ...]:
        return tuple(map(_plain, self.choices))

    @cached_property
    def _by_stored(self) -> dict[Raw, Value]:
        return {_stored(option): option for option in self.options()}


class BoolParameter(ParameterSettings):
    """Switch: true or false."""

    type: Literal["bool"]
    default: bool | None = None

    @property
    def first(self) -> Value:
        return self.default

    @property
    def described(self) -> str:
        return "false | true"

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution((False, True))

    def has(self, value: Value) -> bool:
        return isinstance(value, bool)

    def probes(self) -> list[Probe]:
        return [(("type",), False), (("type",), True)]

    def options(self) -> tuple[Value, ...]:
        return (False, True)


def _plain(choice: Choice) -> Value:
    return list(choice) if isinstance(choice, tuple) else choice


def _stored(value: Value) -> Raw:
    """Returns the stored form of a value: Optuna's categories are scalars, so a list becomes its JSON."""
    return value if isinstance(value, str | int | float | None) else json.dumps(value)
