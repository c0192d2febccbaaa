"""Parameters with one value per member of a subset, such as a placement pattern per stage that carries adapters."""

import math
import sys
from collections.abc import Mapping
from typing import Annotated, Literal, Self

from optuna.distributions import CategoricalDistribution
from pydantic import Field, model_validator

from hpo.search_space.conditions import Comparison, Test
from hpo.search_space.parameter import Dimension, ParameterSettings, Probe, Raw, check_distinct
from hpo.search_space.subset import SubsetParameter
from segada.settings.base import Sequence
from segada.settings.limits import CHOICES
from segada.settings.nested import Value
from segada.settings.schema import nearest

Word = str | int | float | bool


class EachParameter(ParameterSettings):
    """List with one of several values for each member of a subset, in the order of the subset."""

    type: Literal["each"]
    of: str | Annotated[Sequence[str | int], Field(max_length=CHOICES)]
    """Path of the searched subset, or a fixed list of members."""
    choices: Sequence[Word] = Field(min_length=1, max_length=CHOICES)
    default: Word | Sequence[Word] | None = None
    """Value for all members, or a list for the members of the default subset."""

    @model_validator(mode="after")
    def _choices_differ(self) -> Self:
        check_distinct("choices", self.choices)
        if isinstance(self.of, tuple):
            check_distinct("of", tuple(map(str, self.of)))
        if self.default is not None and not self.has(self.first):
            raise ValueError(f"default must consist of choices, but is {self.first!r}")
        return self

    @property
    def first(self) -> Value:
        return list(self.default) if isinstance(self.default, tuple) else self.default

    @property
    def described(self) -> str:
        members = self.of if isinstance(self.of, str) else ", ".join(map(str, self.of))
        return f"for each of {members}: {' | '.join(map(str, self.choices))}"

    @property
    def parents(self) -> list[str]:
        return [*super().parents, *([self.of] if isinstance(self.of, str) else [])]

    def is_active(self, values: Mapping[str, Value]) -> bool:
        return super().is_active(values) and (not isinstance(self.of, str) or self.of in values)

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution(self.choices)

    def dimensions(self, path: str, parameters: Mapping[str, ParameterSettings]) -> tuple[Dimension, ...]:
        if not isinstance(self.of, str):
            return tuple(Dimension(f"{path}.{member}", self.distribution()) for member in self.of)
        subset = parameters.get(self.of)
        if not isinstance(subset, SubsetParameter):
            valid = [name for name, parameter in parameters.items() if isinstance(parameter, SubsetParameter)]
            cure = nearest(self.of, valid) if valid else "write a list of members"
            raise ValueError(f"names {self.of!r}, but that is not a subset of this space; {cure}")
        return tuple(
            Dimension(f"{path}.{member}", self.distribution(), needs={self.of: Comparison(has=member)})
            for member in subset.of
        )

    def decoded(self, path: str, raw: Mapping[str, Raw]) -> Value:  # noqa: ARG002
        return list(raw.values())

    def encoded(self, path: str, value: Value, values: Mapping[str, Value]) -> dict[str, Raw]:
        members = self._members(values)
        words = value if isinstance(value, list) else [value] * len(members)
        if len(words) != len(members):
            raise ValueError(f"{path} has {len(words)} values for the {len(members)} members {members} of {self.of}")
        return {f"{path}.{member}": _raw(word) for member, word in zip(members, words, strict=True)}

    def has(self, value: Value) -> bool:
        return all(word in self.choices for word in (value if isinstance(value, list) else [value]))

    def probes(self) -> list[Probe]:
        return [(("choices", index), [choice]) for index, choice in enumerate(self.choices)]

    def cardinality(self, values: Mapping[str, Value]) -> float:
        if isinstance(self.of, str) and self.of not in values:
            return math.inf
        members = len(self._members(values))
        # A count beyond the largest float is treated as infinite.
        return (
            math.inf
            if members * math.log10(len(self.choices)) > sys.float_info.max_10_exp
            else float(len(self.choices) ** members)
        )

    def mismatch(self, test: Test) -> str:  # noqa: ARG002
        return f"is a list with a value for each of {self.of}; no condition can be about it"

    def _members(self, values: Mapping[str, Value]) -> list[Value]:
        if not isinstance(self.of, str):
            return list(self.of)
        members = values[self.of]
        assert isinstance(members, list)
        return members


def _raw(word: Value) -> Raw:
    assert not isinstance(word, list | dict)
    return word
