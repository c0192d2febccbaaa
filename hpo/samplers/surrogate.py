"""Which of several children is worth a trial, by what the study knows around them."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.ranking import Losses, losses_of, violations_of
from hpo.search_space import Space
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import to_unit
from hpo.search_space.subset import SubsetParameter

Points = NDArray[np.float64]

MEMORY = 150
"""Trials that the model is made of: half the best, half the latest. More would cost time and tell little."""
PRUNED, FAILED = 0.75, 1.0
"""What a trial without a result counts as among ranks from 0, the best, to 1: in the worse half, and the worst."""
PRIOR = 1e-6
"""Keeps the trend determined where the points do not: an inverse variance, small beside all others."""


class Coordinates:
    """Points of a space as vectors: numbers by their place in the (log-)scaled unit interval, choices by indicators.

    Two choices that differ are as far apart as the ends of a range, and so are two subsets that share no member.
    """

    def __init__(self, space: Space) -> None:
        self._columns = {name: _column(space, name) for name in space.distributions()}
        self.width = sum(column.width for column in self._columns.values())

    def by_column(self, dimensions: Mapping[str, float]) -> list[float]:
        """A number for each place in a vector, from one for each dimension of the space."""
        return [dimensions[name] for name, column in self._columns.items() for _ in range(column.width)]

    def by_dimension(self, columns: Sequence[float]) -> dict[str, float]:
        """The sum over each dimension's places, from a number for each place in a vector."""
        rest = iter(columns)
        return {name: sum(next(rest) for _ in range(column.width)) for name, column in self._columns.items()}

    def of(self, active: Mapping[str, Raw]) -> list[float]:
        """The vector of a point, which lacks genes that are not expressed: they are all in the same place."""
        vector: list[float] = []
        for name, column in self._columns.items():
            vector += column.of(active[name]) if name in active else column.nowhere
        return vector


class _Number:
    def __init__(self, distribution: FloatDistribution | IntDistribution) -> None:
        self._distribution = distribution
        self.width = 1
        self.nowhere = [0.5]

    def of(self, value: Raw) -> list[float]:
        assert isinstance(value, int | float)
        return [to_unit(self._distribution, value)]


class _Category:
    def __init__(self, vectors: Mapping[Raw, list[float]]) -> None:
        self._vectors = vectors
        self.width = len(next(iter(vectors.values())))
        self.nowhere = [0.0] * self.width

    def of(self, value: Raw) -> list[float]:
        return self._vectors[value]


def _column(space: Space, name: str) -> _Number | _Category:
    parameter, distribution = space.parameters[space.owners[name]], space.distributions()[name]
    if isinstance(distribution, FloatDistribution | IntDistribution):
        return _Number(distribution)
    assert isinstance(distribution, CategoricalDistribution)
    choices = distribution.choices
    if isinstance(parameter, SubsetParameter):
        share = len(parameter.of) ** -0.5
        return _Category({word: [share * (one in parameter.members(word)) for one in parameter.of] for word in choices})
    return _Category(
        {one: [0.5**0.5 * (place == index) for place in range(len(choices))] for index, one in enumerate(choices)}
    )


class RbfSurrogate:
    """Cubic radial basis functions with a linear trend over the ranks of finished trials.

    The surrogate of DYCORS (Regis and Shoemaker 2013), which also says how to use it: of several children the one is
    taken that promises most, or that is furthest from what is known, with a weight between the two that is drawn anew
    each time. Ranks instead of values make it indifferent to how the objective is scaled. With several objectives
    each has its model, and a direction among them is drawn.
    """

    def __init__(self, coordinates: Coordinates, directions: Sequence[StudyDirection], smoothing: float) -> None:
        """Knows nothing yet.

        Args:
            coordinates: of the space.
            directions: of the objectives.
            smoothing: added to the diagonal of the kernel: 0 believes every value, 1 hardly any.
        """
        self._coordinates = coordinates
        self._directions = list(directions)
        self._smoothing = smoothing
        # Rows are trials by number, so that nothing depends on the order in which they finished.
        self._states = np.zeros(0, np.int8)
        self._points = np.zeros((0, coordinates.width))
        self._losses = np.zeros((0, len(self._directions)))
        self._excess = np.zeros(0)

    def learn(self, trial: FrozenTrial) -> None:
        """Takes note of a finished trial; a failed or pruned one too, for where it was."""
        if trial.number >= len(self._states):
            self._grow(2 * trial.number + 64)
        self._states[trial.number] = trial.state
        self._points[trial.number] = self._coordinates.of(trial.params)
        if trial.state == TrialState.COMPLETE:
            self._losses[trial.number] = losses_of([trial], self._directions)[0]
            self._excess[trial.number] = violations_of([trial])[0]

    def pick(
        self,
        children: Sequence[Mapping[str, Raw]],
        running: Sequence[Mapping[str, Raw]],
        novelty: float,
        generator: np.random.Generator,
    ) -> int:
        """The index of the child to try.

        Args:
            children: points, without genes that are not expressed.
            running: the same, of trials that have not finished.
            novelty: the largest weight, in [0, 1], of the distance to what is known; the promise has the rest.
            generator: of the weights.
        """
        weights = generator.dirichlet(np.ones(len(self._directions)))
        finished = np.flatnonzero(self._states)
        ranks = self._ranks(finished)
        used = _remembered((ranks * weights).max(axis=1))
        known = self._points[finished[used]]
        places = np.array([self._coordinates.of(child) for child in children])
        expected = weights * predicted(known, ranks[used], places, self._smoothing)
        promise = expected.max(axis=1) + 0.05 * expected.sum(axis=1)
        tried = np.vstack([known, *[self._coordinates.of(point) for point in running]])
        distance = _distances(places, tried).min(axis=1)
        share = novelty * generator.random()
        return int(np.argmin((1 - share) * _stretched(promise) + share * (1 - _stretched(distance))))

    def spread(self, trials: Sequence[FrozenTrial]) -> float:
        """The mean distance between two of these trials, as a share of the range in each dimension."""
        points = self._points[[trial.number for trial in trials]]
        apart = np.abs(points[:, None] - points[None]).mean(axis=2).sum()
        return float(apart / (len(points) * (len(points) - 1)))

    def _ranks(self, finished: NDArray[np.int64]) -> Losses:
        """Finished trials × objectives: 0 for the best value, 1 for the worst; above 1 where limits are exceeded."""
        states, excess = self._states[finished], self._excess[finished]
        complete = states == TrialState.COMPLETE
        ranks = np.full((len(finished), len(self._directions)), FAILED)
        ranks[states == TrialState.PRUNED] = PRUNED
        ranks[complete] = _rank(self._losses[finished[complete]])
        broken = excess > 0.0
        ranks[broken] = 1.0 + _rank(excess[broken, None])
        return ranks

    def _grow(self, size: int) -> None:
        more = size - len(self._states)
        self._states = np.pad(self._states, (0, more))
        self._points = np.pad(self._points, ((0, more), (0, 0)))
        self._losses = np.pad(self._losses, ((0, more), (0, 0)))
        self._excess = np.pad(self._excess, (0, more))


def predicted(known: Points, values: Losses, places: Points, smoothing: float) -> Losses:
    """The model's values at some places.

    Args:
        known: n points × d.
        values: there, n × m.
        places: k points × d.
        smoothing: added to the diagonal of the kernel.

    Returns:
        k × m: the weights w and trend t that solve (K + smoothing I) w + P t = values, P' w = PRIOR t, with
        K = |x - x'|^3 and P = (1, x), applied to the places.
    """
    count = len(known)
    trend = np.hstack([np.ones((count, 1)), known])
    width = trend.shape[1]
    system = np.zeros((count + width, count + width))
    system[:count, :count] = _distances(known, known) ** 3
    system[np.arange(count), np.arange(count)] += smoothing
    system[:count, count:] = trend
    system[count:, :count] = trend.T
    system[np.arange(count, count + width), np.arange(count, count + width)] = -PRIOR
    solved = np.linalg.solve(system, np.vstack([values, np.zeros((width, values.shape[1]))]))
    kernel = _distances(places, known) ** 3
    return np.asarray(kernel @ solved[:count] + solved[count] + places @ solved[count + 1 :])


def _distances(first: Points, second: Points) -> Points:
    squares = (first**2).sum(axis=1)[:, None] + (second**2).sum(axis=1)[None] - 2.0 * first @ second.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _rank(losses: Losses) -> Losses:
    """Columns by order: evenly from 0 to 1, equals sharing their mean."""
    return np.column_stack([_places(column) for column in losses.T]) / max(len(losses) - 1, 1)


def _places(column: Points) -> Points:
    order = np.argsort(column, kind="stable")
    ordered = column[order]
    first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    sizes = np.diff(np.append(first, len(column)))
    places = np.empty(len(column))
    places[order] = np.repeat(first + (sizes - 1) / 2, sizes)
    return places


def _remembered(ranks: Losses) -> NDArray[np.int64]:
    """Indices of the trials that the model is made of."""
    if len(ranks) <= MEMORY:
        return np.arange(len(ranks))
    best = np.argpartition(ranks, MEMORY // 2)[: MEMORY // 2]
    return np.unique(np.concatenate([best, np.arange(len(ranks) - MEMORY // 2, len(ranks))]))


def _stretched(values: Points) -> Points:
    """Values from 0 to 1; all 0 if they are the same."""
    extent = float(np.ptp(values))
    return np.asarray((values - values.min()) / (extent if extent > 0 else 1.0))
