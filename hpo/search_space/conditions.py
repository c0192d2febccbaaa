"""Conditions on the values of parameters, used by `when` and `forbidden`."""

import json
from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Discriminator, Tag, model_validator

from segada.settings.base import Sequence, Settings
from segada.settings.nested import Value

Scalar = str | int | float | bool | None


class Comparison(Settings):
    """Condition other than a list of values; if several keys are given, all must hold."""

    above: float | None = None
    """Exclusive lower bound of the number."""
    below: float | None = None
    """Exclusive upper bound of the number."""
    other_than: str | int | float | bool | Sequence[Scalar] | None = None
    """Value, or list of values, that the parameter must not have."""
    has: str | int | None = None
    """Member that the subset must contain."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.keys:
            raise ValueError(f"says nothing; write {', '.join(type(self).model_fields)}, or a value")
        return self

    @property
    def keys(self) -> tuple[str, ...]:
        """Keys of the comparison that are set."""
        return tuple(key for key, value in self if value is not None)

    def admits(self, value: Value) -> bool:
        """Returns True if a parameter's value meets the condition."""
        number = value if isinstance(value, int | float) else None
        return (
            (self.above is None or (number is not None and number > self.above))
            and (self.below is None or (number is not None and number < self.below))
            and (self.other_than is None or value not in listed(self.other_than))
            and (self.has is None or (isinstance(value, list) and self.has in value))
        )


def _form(given: object) -> str:
    if isinstance(given, dict | Comparison):
        return "comparison"
    return "values" if isinstance(given, list | tuple) else "value"


Test = Annotated[
    Annotated[Scalar, Tag("value")]
    | Annotated[Sequence[Scalar], Tag("values")]
    | Annotated[Comparison, Tag("comparison")],
    Discriminator(_form),
]
"""Test of a parameter: the required value, a list of allowed values, or a comparison."""

Clauses = dict[str, Test]
"""Tests by the path of the tested parameter. An inactive parameter meets no test, as in ConfigSpace."""


def listed(test: Scalar | tuple[Scalar, ...]) -> tuple[Scalar, ...]:
    """Returns the values of a test that is not a comparison."""
    return test if isinstance(test, tuple) else (test,)


def admits(test: Test, value: Value) -> bool:
    """Returns True if a value meets a test."""
    return test.admits(value) if isinstance(test, Comparison) else value in listed(test)


def in_words(test: Test) -> str:
    """Returns a test as text that follows the parameter's name: `= adaptformer`, `> 0`."""
    if isinstance(test, Comparison):
        words = {"above": ">", "below": "<", "other_than": "is not", "has": "has"}
        return " and ".join(f"{words[key]} {_listed_words(getattr(test, key))}" for key in test.keys)
    return f"{'in' if len(listed(test)) > 1 else '='} {_listed_words(test)}"


def all_hold(clauses: Mapping[str, Test], values: Mapping[str, Value]) -> bool:
    """Returns True if every clause holds for the values of the active parameters."""
    return all(path in values and admits(test, values[path]) for path, test in clauses.items())


def _listed_words(test: Scalar | tuple[Scalar, ...]) -> str:
    return " | ".join(
        f"{value:g}" if isinstance(value, float) else json.dumps(value).strip('"') for value in listed(test)
    )
