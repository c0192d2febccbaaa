"""What every kind of parameter has in common."""

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
"""A value as Optuna stores it."""

SHOWN = 20
"""Values up to which an error lists them."""

Probe = tuple[tuple[str | int, ...], Value]
"""A value, and where below the parameter in the file it comes from."""


@dataclass(frozen=True)
class Dimension:
    """One number or category that Optuna stores and samplers propose; a parameter consists of one or several.

    Attributes:
        name: In the study's storage: the parameter's path, or that with a further word.
        distribution: What it can be.
        needs: What must hold for it to exist beside what its parameter needs; besides values of parameters by path,
            storage values of the parameter's earlier dimensions by name.
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
    """Base of every kind: one dimension of the space, standing for one path in `RunSettings`."""

    comparable: ClassVar[tuple[str, ...]] = ("other_than",)
    """Keys of `Comparison` that a condition on this kind may have."""

    type: str
    when: Annotated[Annotated[Clauses, Tag("all")] | Annotated[Sequence[Clauses], Tag("any")], Discriminator(_form)] = (
        Field(default_factory=dict)
    )
    """What must hold for this parameter to matter: tests of others by path, all of them; or a list, any of them."""

    @property
    def alternatives(self) -> tuple[Clauses, ...]:
        """`when` as a list: any of its members must hold, and all clauses of a member."""
        return self.when if isinstance(self.when, tuple) else (self.when,)

    @property
    def parents(self) -> list[str]:
        """Paths of the parameters that this one depends on."""
        return list(dict.fromkeys(path for clauses in self.alternatives for path in clauses))

    def is_active(self, values: Mapping[str, Value]) -> bool:
        """Whether the parameter has a value, given those of its parents."""
        return any(all_hold(clauses, values) for clauses in self.alternatives)

    @property
    @abstractmethod
    def first(self) -> Value:
        """The default, tried before anything is sampled; None without one, see `has_default`."""

    @property
    def has_default(self) -> bool:
        """Whether the file gives a default: null is one only where it is a choice."""
        return "default" in self.model_fields_set and (self.first is not None or self.has(None))

    @property
    @abstractmethod
    def described(self) -> str:
        """Its range or values, in a few words for a person."""

    def dimensions(self, path: str, parameters: Mapping[str, "ParameterSettings"]) -> tuple[Dimension, ...]:  # noqa: ARG002
        """What Optuna stores for the parameter at a path, in the order in which it is asked for.

        Args:
            path: of this parameter.
            parameters: all of the space.

        Raises:
            ValueError: the space lacks what the parameter refers to.
        """
        return (Dimension(path, self.distribution()),)

    @abstractmethod
    def distribution(self) -> BaseDistribution:
        """What its values are drawn from."""

    def decoded(self, path: str, raw: Mapping[str, Raw]) -> Value:
        """The setting's value that storage values of the parameter's dimensions stand for."""
        return raw[path]

    def encoded(self, path: str, value: Value, values: Mapping[str, Value]) -> dict[str, Raw]:  # noqa: ARG002
        """The storage values that stand for a setting's.

        Args:
            path: of this parameter.
            value: that it has; `has` says that it can.
            values: of the parameters before it.
        """
        assert not isinstance(value, list | dict)
        return {path: value}

    @abstractmethod
    def has(self, value: Value) -> bool:
        """Whether the parameter can take this value."""

    @abstractmethod
    def probes(self) -> list[Probe]:
        """Values that suffice to know whether every value fits a setting."""

    def cardinality(self, values: Mapping[str, Value]) -> float:  # noqa: ARG002
        """How many values it has, given those of its parents; infinite for a continuous one."""
        return len(self.options()) or math.inf

    def options(self) -> Sequence[Value]:
        """Every value; none of a continuous parameter, or of one whose values depend on others."""
        return ()

    def misfit(self, test: Test) -> str | None:
        """Why a condition of another parameter cannot be about this one; None if it can."""
        if isinstance(test, Comparison):
            foreign = [key for key in test.keys if key not in self.comparable]
            if foreign:
                cure = f"write {' or '.join(self.comparable)}" if self.comparable else "it cannot be a condition"
                return f"is a {self.type}, of which nobody can say {foreign[0]!r}; {cure}"
            return None if test.other_than is None else self._unknown(listed(test.other_than))
        values = listed(test)
        return self._unknown(values) if values else "names no value, so that it would never hold"

    def refusal(self, value: Value) -> str | None:
        """Why the parameter cannot take a value, and which it can; None if it can."""
        if self.has(value):
            return None
        few = self.cardinality({}) <= SHOWN and self.options()
        valid = f"choose from {', '.join(map(str, few))}" if few else f"it is {self.described}"
        return f"never has the value {shown(value)}; {valid}"

    def _unknown(self, values: tuple[Scalar, ...]) -> str | None:
        return next((refusal for value in values if (refusal := self.refusal(value)) is not None), None)


def check_distinct(key: str, values: tuple[Scalar, ...]) -> None:
    """Raises a ValueError that names the key in whose list a value stands twice."""
    # 1, 1.0 and True are the same key to Python and to Optuna.
    if len(set(values)) != len(values):
        raise ValueError(f"{key} must differ from each other, but are {shown(list(values))}")
