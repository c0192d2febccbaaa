"""Genes: crossover and mutation of single dimensions with DEAP's operators."""

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import ClassVar

from deap import tools
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import from_unit, to_unit
from hpo.search_space.subset import SubsetParameter


class Gene(ABC):
    """Operators of one dimension. They draw from Python's global generator, as DEAP does; see `deap_randomness`."""

    ordered: ClassVar[bool] = False
    """True if the values have distances, so that a mutation has a size."""

    def __init__(self, distribution: BaseDistribution) -> None:
        self._distribution = distribution

    def at(self, unit: float) -> Raw:
        """Returns the value at a position in [0, 1]."""
        return from_unit(self._distribution, unit)

    @abstractmethod
    def mate(self, first: Raw, second: Raw, eta: float) -> tuple[Raw, Raw]:
        """Returns the values of two children; `eta` is the crowding degree, large for children close to their
        parents.
        """

    @abstractmethod
    def mutate(self, value: Raw, eta: float) -> Raw:
        """Returns another value; larger `eta` makes it nearer on average."""


class NumberGene(Gene):
    """Simulated binary crossover and polynomial mutation (Deb and Agrawal 1995) in the scaled unit interval.

    Integers and grid values are rounded, and a mutation moves them by at least one step.
    """

    ordered = True

    def __init__(self, distribution: FloatDistribution | IntDistribution) -> None:
        super().__init__(distribution)
        self._number = distribution
        # The cache helps because the few parents of many children are evaluated repeatedly.
        self._unit = lru_cache(256)(self._unit_of)

    def mate(self, first: Raw, second: Raw, eta: float) -> tuple[Raw, Raw]:
        if first == second:
            return first, second
        start, end = self._unit(first), self._unit(second)
        ends = {start: first, end: second}
        ((one,), (other,)) = tools.cxSimulatedBinaryBounded([start], [end], eta, 0.0, 1.0)
        # A gene that was not crossed keeps its exact value.
        return self._back(one, ends), self._back(other, ends)

    def mutate(self, value: Raw, eta: float) -> Raw:
        ((moved,),) = tools.mutPolynomialBounded([self._unit(value)], eta, 0.0, 1.0, 1.0)
        changed = self.at(moved)
        return self._stepped(value, up=moved >= self._unit(value)) if changed == value else changed

    def _unit_of(self, value: Raw) -> float:
        assert isinstance(value, int | float)
        return min(max(to_unit(self._number, value), 0.0), 1.0)

    def _back(self, unit: float, ends: Mapping[float, Raw]) -> Raw:
        return ends[unit] if unit in ends else self.at(unit)

    def _stepped(self, value: Raw, *, up: bool) -> Raw:
        assert isinstance(value, int | float)
        step = self._number.step
        if step is None:
            return value
        inside = value < self._number.high if up else value > self._number.low
        return self.at(self._unit(value + step if up is inside else value - step))


class ChoiceGene(Gene):
    """Uniform crossover, and mutation to a random other choice."""

    def __init__(self, distribution: CategoricalDistribution) -> None:
        super().__init__(distribution)
        self._choices = distribution.choices

    def mate(self, first: Raw, second: Raw, eta: float) -> tuple[Raw, Raw]:  # noqa: ARG002 - choices have no distance
        ((one,), (other,)) = tools.cxUniform([first], [second], 0.5)
        return one, other

    def mutate(self, value: Raw, eta: float) -> Raw:  # noqa: ARG002 - choices have no distance
        others = [choice for choice in self._choices if choice != value]
        chosen: Raw = random.choice(others) if others else value
        return chosen


class SubsetGene(Gene):
    """One bit per member, with uniform crossover and bit flips; random flips repair a size that is not allowed."""

    def __init__(self, parameter: SubsetParameter) -> None:
        super().__init__(parameter.distribution())
        self._parameter = parameter

    def mate(self, first: Raw, second: Raw, eta: float) -> tuple[Raw, Raw]:  # noqa: ARG002 - bits have no distance
        one, other = tools.cxUniform(self._bits(first), self._bits(second), 0.5)
        return self._repaired(one), self._repaired(other)

    def mutate(self, value: Raw, eta: float) -> Raw:  # noqa: ARG002 - bits have no distance
        bits = self._bits(value)
        place = random.randrange(len(bits))
        (flipped,) = tools.mutFlipBit(bits, 1.0 / len(bits))
        flipped[place] = not flipped[place]
        return self._repaired(flipped)

    def _bits(self, value: Raw) -> list[bool]:
        members = self._parameter.members(value)
        return [member in members for member in self._parameter.of]

    def _repaired(self, bits: Sequence[bool]) -> Raw:
        bits = list(bits)
        while not self._parameter.min_size <= sum(bits) <= self._parameter.largest:
            surplus = sum(bits) > self._parameter.largest
            place = random.choice([index for index, bit in enumerate(bits) if bit is surplus])
            bits[place] = not surplus
        return self._parameter.word(member for member, bit in zip(self._parameter.of, bits, strict=True) if bit)
