"""Parameters whose value is a subset of several values."""

import itertools
import math
from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal, Self

from optuna.distributions import CategoricalDistribution
from pydantic import Field, model_validator

from hpo.search_space.conditions import Comparison, Test
from hpo.search_space.parameter import ParameterSettings, Probe, Raw, check_distinct
from segada.settings.base import Count, Number, Sequence
from segada.settings.limits import CHOICES
from segada.settings.nested import Value

MAX_SUBSETS = 1024
"""Maximum number of subsets; a larger categorical dimension cannot be learned, and its journal line would be
too long.
"""


class SubsetParameter(ParameterSettings):
    """Subset of several values, as a list in the order of `of`."""

    comparable: ClassVar[tuple[str, ...]] = ("has",)
    type: Literal["subset"]
    of: Sequence[str | int] = Field(min_length=1, max_length=CHOICES)
    min_size: Number = 1
    max_size: Count | None = None
    """Largest size; null allows all members."""
    default: Sequence[str | int] | None = None

    @model_validator(mode="after")
    def _subsets_exist(self) -> Self:
        check_distinct("of", tuple(str(member) for member in self.of))
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

    @property
    def described(self) -> str:
        sizes = f"{self.min_size}" if self.min_size == self.largest else f"{self.min_size} to {self.largest}"
        return f"{sizes} of {', '.join(map(str, self.of))}"

    def subsets(self) -> list[tuple[str | int, ...]]:
        """Returns every allowed subset, small ones first."""
        sizes = range(self.min_size, self.largest + 1)
        return [subset for size in sizes for subset in itertools.combinations(self.of, size)]

    def distribution(self) -> CategoricalDistribution:
        return CategoricalDistribution([self.word(subset) for subset in self.subsets()])

    def decoded(self, path: str, raw: Mapping[str, Raw]) -> Value:
        return list(self.members(raw[path]))

    def members(self, word: Raw) -> tuple[str | int, ...]:
        """Returns the subset of a stored value."""
        names = str(word).split("+") if word else []
        return tuple(member for member in self.of if str(member) in names)

    def word(self, members: Iterable[Value]) -> str:
        """Returns the stored value of a subset with its members in the order of `of`."""
        return "+".join(map(str, members))

    def encoded(self, path: str, value: Value, values: Mapping[str, Value]) -> dict[str, Raw]:  # noqa: ARG002
        assert isinstance(value, list)
        return {path: self.word(value)}

    def has(self, value: Value) -> bool:
        if not isinstance(value, list) or value != [member for member in self.of if member in value]:
            return False
        return self.min_size <= len(value) <= self.largest

    def probes(self) -> list[Probe]:
        return [(("of",), option) for option in self.options()]

    def options(self) -> tuple[Value, ...]:
        return tuple(list(subset) for subset in self.subsets())

    def mismatch(self, test: Test) -> str | None:
        if not isinstance(test, Comparison):
            return "is a subset; write {has: MEMBER}"
        if test.has is not None and test.has not in self.of:
            return f"never has the member {test.has!r}; choose from {', '.join(map(str, self.of))}"
        return super().mismatch(test)
