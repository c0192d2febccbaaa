"""Grid search: every combination of a few values per parameter, in random order."""

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import islice
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
from hpo.search_space.enumeration import all_values, points
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
    """Tries every grid point once; then the search ends.

    Optuna's grid sampler ignores conditions, so it would try points that differ only in inactive parameters, and it
    ends the study with an exception. This sampler enumerates the branches of conditional spaces.
    """

    def __init__(self, space: Space, settings: GridSettings) -> None:
        distributions = space.distributions()
        self._levels = {name: levels(one, settings.levels) for name, one in distributions.items()}
        whole = {name: all_values(one) for name, one in distributions.items()}
        self._is_whole = all(some is not None and len(some) == len(self._levels[name]) for name, some in whole.items())
        super().__init__(space, settings.seed)

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
        else:
            yield from self._unused_point(trial)

    def values(self) -> Mapping[str, Sequence[Raw] | None]:
        return self._levels

    @property
    def is_whole(self) -> bool:
        return self._is_whole

    @cached_property
    def _cells(self) -> list[Genome]:
        """Grid points in random order; the first `LISTED` + 1 of them if there are more than `LISTED`."""
        allowed = (cell for cell in points(self._space, self._levels) if cell is not None)
        cells = list(islice(allowed, LISTED + 1))
        order = np.random.default_rng((self._seed, ORDER)).permutation(len(cells))
        return [cells[place] for place in order]


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
