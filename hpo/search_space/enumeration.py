"""Enumeration of the points of a space, one after the other, so that a part of a large space costs only that part."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import overload

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.search_space.parameter import Dimension, Raw
from hpo.search_space.scaling import nearest_to
from hpo.search_space.space import Space

FORBIDDEN_IN_A_ROW = 100_000
"""Number of forbidden points in a row after which a space counts as endless, because the search would wait too long."""


class Steps(Sequence[Raw]):
    """Values of a number with a step, in order; they are computed when they are read."""

    def __init__(self, distribution: FloatDistribution | IntDistribution) -> None:
        assert distribution.step is not None
        self._distribution = distribution
        self._step = distribution.step
        self._count = round((distribution.high - distribution.low) / distribution.step) + 1

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Raw: ...
    @overload
    def __getitem__(self, place: slice) -> list[Raw]: ...
    def __getitem__(self, place: int | slice) -> Raw | list[Raw]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(self._count))]
        return nearest_to(self._distribution, self._distribution.low + place * self._step)


def all_values(distribution: BaseDistribution) -> Sequence[Raw] | None:
    """Returns the values of a dimension; None if it is continuous."""
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return None if distribution.step is None else Steps(distribution)


def points(space: Space, values: Mapping[str, Sequence[Raw]]) -> Iterator[dict[str, Raw] | None]:
    """Yields the stored values of every point, or None for forbidden points.

    A point is a walk over the space: a counter whose last digit moves first and whose later digits may be absent, so
    that inactive dimensions make no further points. Points that differ from a forbidden one in nothing that its clauses
    test are skipped with it.

    Args:
        space: the space.
        values: values of each dimension, by name.
    """
    digits: list[int] | None = []
    while digits is not None:
        walk = _Walk(values, digits)
        point = space.walk(walk.value)
        index = space.forbidding(space.configuration(point).values) if space.forbidden else None
        yield point if index is None else None
        digits = walk.next() if index is None else walk.next(lambda name: space.owners[name] in space.forbidden[index])  # noqa: B023 - called at once


class Unused:
    """Points of a space that no trial has; each call continues where the last one ended."""

    def __init__(self, space: Space, values: Mapping[str, Sequence[Raw] | None]) -> None:
        """Enumerates nothing yet.

        Args:
            space: the space.
            values: values of each dimension, by name; None where it is continuous.
        """
        self._continuous = {name for name, some in values.items() if some is None}
        distributions = space.distributions()
        ends = {name: _ends(distributions[name]) for name in self._continuous}
        self._points = points(space, {name: ends[name] if some is None else some for name, some in values.items()})
        self._current: dict[str, Raw] | None = None
        self._passed: list[dict[str, Raw]] = []
        self._is_endless = False

    def first(self, is_new: Callable[[Mapping[str, Raw]], bool]) -> dict[str, Raw] | None:
        """Returns a point that is new; None if there is none, or if the space is endless (see `used_up`)."""
        while not self._is_endless and (point := self._next()) is not None:
            if is_new(point):
                return point
            self._passed.append(point)
            self._current = None
        return None if self._is_endless else next(filter(is_new, self._passed), None)

    def used_up(self, is_new: Callable[[Mapping[str, Raw]], bool]) -> int | None:
        """Returns the number of points if none of them is new; None while there is a new one."""
        return len(self._passed) if self.first(is_new) is None and not self._is_endless else None

    def _next(self) -> dict[str, Raw] | None:
        """Returns the first allowed point that was not passed; None after the last, or if the space is endless."""
        if self._current is not None:
            return self._current
        for forbidden, point in enumerate(self._points):
            self._is_endless = forbidden == FORBIDDEN_IN_A_ROW or not self._continuous.isdisjoint(point or ())
            if self._is_endless:
                return None
            if point is not None:
                self._current = point
                return point
        return None


def _ends(distribution: BaseDistribution) -> list[Raw]:
    """Returns values of a continuous dimension that show whether a branch with it is allowed."""
    assert isinstance(distribution, FloatDistribution)
    low, high = distribution.low, distribution.high
    return [low, (low + high) / 2, high]


class _Walk:
    """Walk in which the first values are given by index, and the others are the first of their dimension."""

    def __init__(self, values: Mapping[str, Sequence[Raw]], digits: Sequence[int]) -> None:
        self._values = values
        self._given = list(digits)
        self._taken: list[tuple[str, int]] = []

    def value(self, one: Dimension) -> Raw:
        place = len(self._taken)
        digit = self._given[place] if place < len(self._given) else 0
        self._taken.append((one.name, digit))
        return self._values[one.name][digit]

    def next(self, matters: Callable[[str], bool] = lambda _: True) -> list[int] | None:
        """Returns the indices that start the next walk that differs in a dimension that matters, or before the last
        of them; None after the last.
        """
        places = list(self._taken)
        while places and not matters(places[-1][0]):
            places.pop()
        while places and places[-1][1] + 1 == len(self._values[places[-1][0]]):
            places.pop()
        return [*(digit for _, digit in places[:-1]), places[-1][1] + 1] if places else None
