"""Grid search: every combination of a few values per parameter, in random order."""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Literal

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial
from pydantic import Field

from hpo.samplers.base import SamplerSettings
from hpo.samplers.history import Genome
from hpo.samplers.whole_point import TRIES, WholePointSampler
from hpo.search_space import Space
from hpo.search_space.parameter import Dimension, Raw
from hpo.search_space.scaling import nearest_to
from segada.settings.limits import POPULATION

ORDER, CELL = 9, 10
"""Purposes of generators, as the word after the seed; see also `whole_point`."""
LISTED = 10_000
"""Largest number of grid points that are listed, so that none is left out in the end."""


class GridSettings(SamplerSettings):
    """Settings of `GridSampler`."""

    name: Literal["grid"]
    levels: int = Field(default=4, ge=2, le=POPULATION)
    """Number of values for a numeric parameter that has more: uniform in its scale, including the ends of its range."""

    def build(self, space: Space, trials: int) -> "GridSampler":  # noqa: ARG002 - a grid is as large as it is
        return GridSampler(space, self)


class GridSampler(WholePointSampler):
    """Tries every grid point once, then starts over.

    Optuna's grid sampler ignores conditions, so it would try points that differ only in inactive parameters, and it
    ends the study with an exception. This sampler enumerates the branches of conditional spaces.
    """

    def __init__(self, space: Space, settings: GridSettings) -> None:
        super().__init__(space, settings.seed)
        self._levels = {name: levels(one, settings.levels) for name, one in self._distributions.items()}

    def propose(self, study: Study, trial: FrozenTrial, attempt: int) -> Genome:  # noqa: ARG002 - a grid does not learn
        generator = np.random.default_rng((self._seed, CELL, trial.number, attempt))

        def drawn(one: Dimension) -> Raw:
            values = self._levels[one.name]
            return values[int(generator.integers(len(values)))]

        return self._space.walk(drawn)

    def _candidates(self, study: Study, trial: FrozenTrial) -> Iterator[Genome]:
        # The draws are uniform over the values of each parameter, not over points: a branch with many points would
        # dominate.
        yield from (self.propose(study, trial, attempt) for attempt in range(TRIES))
        if len(self._cells) <= LISTED:
            start = trial.number % len(self._cells)
            yield from [*self._cells[start:], *self._cells[:start]]

    @cached_property
    def _cells(self) -> list[Genome]:
        """Grid points in random order; the first `LISTED` + 1 of them if there are more than `LISTED`."""
        cells: list[Genome] = []
        for cell in self._walks():
            if self._space.permits(cell):
                cells.append(cell)
            if len(cells) > LISTED:
                break
        order = np.random.default_rng((self._seed, ORDER)).permutation(len(cells))
        return [cells[place] for place in order]

    def _walks(self) -> Iterator[Genome]:
        """Yields every walk over the space, as a counter whose last digit moves first and whose later digits may be
        absent.
        """
        digits: list[int] | None = []
        while digits is not None:
            walk = _Walk(self._levels, digits)
            yield self._space.walk(walk.value)
            digits = walk.next()


class _Walk:
    """Walk in which the first values are given by index, and the others are the first of their levels."""

    def __init__(self, levels: dict[str, list[Raw]], digits: Sequence[int]) -> None:
        self._levels = levels
        self._given = list(digits)
        self._taken: list[tuple[int, int]] = []

    def value(self, one: Dimension) -> Raw:
        place = len(self._taken)
        digit = self._given[place] if place < len(self._given) else 0
        self._taken.append((digit, len(self._levels[one.name])))
        return self._levels[one.name][digit]

    def next(self) -> list[int] | None:
        """Returns the indices that start the next walk; None after the last."""
        places = list(self._taken)
        while places and places[-1][0] + 1 == places[-1][1]:
            places.pop()
        return [*(digit for digit, _ in places[:-1]), places[-1][0] + 1] if places else None


def levels(distribution: BaseDistribution, count: int) -> list[Raw]:
    """Returns the values of a dimension in a grid: all of them, or `count` values of a number that has more."""
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high, step = distribution.low, distribution.high, distribution.step
    steps = math.inf if step is None else round((high - low) / step)
    if steps < count:
        return [nearest_to(distribution, low + (high - low) * place / steps) for place in range(int(steps) + 1)]
    start, end = (math.log(low), math.log(high)) if distribution.log else (low, high)
    inner = [start + (end - start) * place / (count - 1) for place in range(1, count - 1)]
    numbers = [low, *(math.exp(at) if distribution.log else at for at in inner), high]
    return list(dict.fromkeys(nearest_to(distribution, number) for number in numbers))
