"""Base class of all parameters, and the dimensions that Optuna stores for them."""

import math
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, ClassVar

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import Trial
from pydantic import Discriminator, Field, Tag

from hpo.search_space.conditions import Clauses, Comparison, Scalar, Test, all_hold, listed
from segada.settings.base import Sequence, Settings
from segada.settings.nested import Value
from segada.settings.validation_errors import shown

Raw = str | int | float | bool | None
"""Value as stored by Optuna."""

SHOWN = 20
"""Largest number of values that an error message lists."""

Probe = tuple[tuple[str | int, ...], Value]
"""A value, and the place in the file, below the parameter, from which it comes."""


@dataclass(frozen=True)
class Dimension:
    """Number or category that Optuna stores and samplers propose; a parameter has one or several dimensions.

    Attributes:
        name: Name in the study's storage: the parameter's path, possibly with a suffix.
        distribution: Distribution of its values.
        needs: Conditions for its existence, in addition to those of its parameter: tests of parameters by path, and of
            the stored values of the parameter's earlier dimensions by name.
    """

    name: str
    distribution: BaseDistribution
    needs: Clauses = field(default_factory=dict)

    def suggest(self, trial: Trial) -> Raw:
        """Asks the study's sampler for a value."""
        space = self.distribution
        if isinstance(space, FloatDistribution):
            return trial.suggest_float(self.name, space.low, space.high, log=space.log, step=space.step)
        if isinstance(space, IntDistribution):
            return trial.suggest_int(self.name, space.low, space.high, log=space.log, step=space.step)
        assert isinstance(space, CategoricalDistribution)
        choice: Raw = trial.suggest_categorical(self.name, space.choices)
        return choice


def _form(given: object) -> str:
    return "any" if isinstance(given, list | tuple) else "all"


class ParameterSettings(Settings):
    """Base class of parameters; a parameter is searched at one path in `RunSettings`."""

    comparable: ClassVar[tuple[str, ...]] = ("other_than",)
    """Keys of `Comparison` that a condition on this type of parameter may have."""

    type: str
    when: Annotated[Annotated[Clauses, Tag("all")] | Annotated[Sequence[Clauses], Tag("any")], Discriminator(_form)] = (
        Field(default_factory=dict)
    )
    """Condition for this parameter to be active: tests of other parameters by path, which must all hold; or a list of
    such mappings, one of which must hold.
    """

    @property
    def alternatives(self) -> tuple[Clauses, ...]:
        """`when` as a list: one of its members must hold, with all clauses of the member."""
        return self.when if isinstance(self.when, tuple) else (self.when,)

    @property
    def parents(self) -> list[str]:
        """Paths of the parameters that this one depends on."""
        return list(dict.fromkeys(path for clauses in self.alternatives for path in clauses))

    def is_active(self, values: Mapping[str, Value]) -> bool:
        """Returns True if the parameter is active for the values of its parents."""
        return any(all_hold(clauses, values) for clauses in self.alternatives)

    @property
    @abstractmethod
    def first(self) -> Value:
        """Default value, tried before anything is sampled; None if there is none (see `has_default`)."""

    @property
    def has_default(self) -> bool:
        """True if the file gives a default; null counts only if it is one of the choices."""
        return "default" in self.model_fields_set and (self.first is not None or self.has(None))

    @property
    @abstractmethod
    def described(self) -> str:
        """Short readable description of its range or values."""

    def dimensions(self, path: str, parameters: Mapping[str, "ParameterSettings"]) -> tuple[Dimension, ...]:  # noqa: ARG002
        """Returns the dimensions that Optuna stores for the parameter at a path, in the order of sampling.

        Args:
            path: path of this parameter.
            parameters: all parameters of the space.

        Raises:
            ValueError: the space lacks a parameter that this one refers to.
        """
        return (Dimension(path, self.distribution()),)

    @abstractmethod
    def distribution(self) -> BaseDistribution:
        """Returns the distribution of its values."""

    def decoded(self, path: str, raw: Mapping[str, Raw]) -> Value:
        """Returns the setting's value for the stored values of the parameter's dimensions."""
        return raw[path]

    def encoded(self, path: str, value: Value, values: Mapping[str, Value]) -> dict[str, Raw]:  # noqa: ARG002
        """Returns the stored values for a setting's value.

        Args:
            path: path of this parameter.
            value: value of the setting, for which `has` returns True.
            values: values of the parameters before this one.
        """
        assert not isinstance(value, list | dict)
        return {path: value}

    @abstractmethod
    def has(self, value: Value) -> bool:
        """Returns True if the parameter can take this value."""

    @abstractmethod
    def probes(self) -> list[Probe]:
        """Returns values that suffice to check whether every value fits a setting."""

    def cardinality(self, values: Mapping[str, Value]) -> float:  # noqa: ARG002
        """Returns the number of values, given those of the parents; infinite for a continuous parameter."""
        return len(self.options()) or math.inf

    def options(self) -> Sequence[Value]:
        """Returns all values; empty for a continuous parameter and for one whose values depend on others."""
        return ()

    def mismatch(self, test: Test) -> str | None:
        """Returns why a test cannot apply to this parameter; None if it can."""
        if isinstance(test, Comparison):
            foreign = [key for key in test.keys if key not in self.comparable]
            if foreign:
                cure = f"write {' or '.join(self.comparable)}" if self.comparable else "it cannot be a condition"
                return f"is a {self.type}, which has no test {foreign[0]!r}; {cure}"
            return None if test.other_than is None else self._unknown(listed(test.other_than))
        values = listed(test)
        return self._unknown(values) if values else "names no value, so that it would never hold"

    def refusal(self, value: Value) -> str | None:
        """Returns why the parameter cannot take a value, and the values that it can take; None if it can."""
        if self.has(value):
            return None
        few = self.cardinality({}) <= SHOWN and self.options()
        valid = f"choose from {', '.join(map(str, few))}" if few else f"it is {self.described}"
        return f"never has the value {shown(value)}; {valid}"

    def _unknown(self, values: tuple[Scalar, ...]) -> str | None:
        return next((refusal for value in values if (refusal := self.refusal(value)) is not None), None)


def check_distinct(key: str, values: tuple[Scalar, ...]) -> None:
    """Raises ValueError, naming the key, if a value occurs twice in its list."""
    # 1, 1.0 and True are the same key in Python and in Optuna.
    if len(set(values)) != len(values):
        raise ValueError(f"{key} must differ from each other, but are {shown(list(values))}")
