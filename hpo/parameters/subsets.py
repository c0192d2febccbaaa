"""Several of some values."""

import itertools
import math
from typing import Annotated, Literal, Self

from optuna.distributions import CategoricalDistribution
from optuna.trial import Trial
from pydantic import Field, model_validator

from hpo.parameters.base import ParameterSettings, Probe, Raw, check_distinct
from segada.settings.base import Count, Sequence
from segada.settings.trees import Value

MAX_SUBSETS = 1024
"""More would make a categorical dimension that no sampler can learn, and a line of the journal that is too long."""


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


def _joined(subset: tuple[str | int, ...]) -> str:
    return "+".join(str(member) for member in subset)
