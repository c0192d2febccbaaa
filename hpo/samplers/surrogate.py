"""Surrogate model that picks one of several children by the study's results so far."""

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
"""Number of trials in the model, half the best and half the latest. More would cost time and add little."""
PRUNED, FAILED = 0.75, 1.0
"""Ranks of trials without a result, on the scale from 0 (best) to 1: pruned in the worse half, failed at the worst."""
PRIOR = 1e-6
"""Inverse variance, small beside all others, that keeps the trend determined where the points do not."""


class Coordinates:
    """Points of a space as vectors: numbers by their position in the (log-)scaled unit interval, choices as indicators.

    Two different choices have the same distance as the ends of a range; so do two subsets without a common member.
    """

    def __init__(self, space: Space) -> None:
        self._columns = {name: _column(space, name) for name in space.distributions()}
        self.width = sum(column.width for column in self._columns.values())

    def by_column(self, dimensions: Mapping[str, float]) -> list[float]:
        """Expands a number per dimension to a number per vector component."""
        return [dimensions[name] for name, column in self._columns.items() for _ in range(column.width)]

    def by_dimension(self, columns: Sequence[float]) -> dict[str, float]:
        """Sums numbers per vector component over the components of each dimension."""
        rest = iter(columns)
        return {name: sum(next(rest) for _ in range(column.width)) for name, column in self._columns.items()}

    def of(self, active: Mapping[str, Raw]) -> list[float]:
        """Returns the vector of a point; all inactive genes have the same coordinates."""
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
    """Cubic radial basis functions with a linear trend, fitted to the ranks of finished trials.

    Surrogate and acquisition of DYCORS (Regis and Shoemaker 2013): of several children, one is picked by a weighted sum
    of predicted rank and distance to known points, with a random weight each time. Ranks instead of values make the
    model independent of the objective's scale. With several objectives each has its model, and their weights are drawn
    at random.
    """

    def __init__(self, coordinates: Coordinates, directions: Sequence[StudyDirection], smoothing: float) -> None:
        """Starts without data.

        Args:
            coordinates: coordinates of the space.
            directions: directions of the objectives.
            smoothing: added to the diagonal of the kernel; 0 interpolates every value, 1 nearly ignores them.
        """
        self._coordinates = coordinates
        self._directions = list(directions)
        self._smoothing = smoothing
        # Rows are indexed by trial number, so that nothing depends on the order of finishing.
        self._states = np.zeros(0, np.int8)
        self._points = np.zeros((0, coordinates.width))
        self._losses = np.zeros((0, len(self._directions)))
        self._excess = np.zeros(0)

    def learn(self, trial: FrozenTrial) -> None:
        """Adds a finished trial; failed and pruned ones count with their points."""
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
        """Returns the index of the child to try.

        Args:
            children: active genes of the children.
            running: active genes of unfinished trials.
            novelty: maximum weight, in [0, 1], of the distance to known points; the predicted rank has the rest.
            generator: generator of the weights.
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

    def distances(self, places: Sequence[Mapping[str, Raw]], running: Sequence[Mapping[str, Raw]]) -> Points:
        """Returns the distance of each place to the nearest known configuration; infinite if none is known.

        Args:
            places: active genes of the places.
            running: active genes of unfinished trials.
        """
        finished = self._points[np.flatnonzero(self._states)]
        known = np.vstack([finished, *(self._coordinates.of(point) for point in running)])
        found = _distances(np.array([self._coordinates.of(place) for place in places]), known)
        return np.asarray(found.min(axis=1, initial=np.inf))

    def spread(self, trials: Sequence[FrozenTrial]) -> float:
        """Returns the mean distance between two of these trials, as a share of the range per dimension."""
        points = self._points[[trial.number for trial in trials]]
        apart = np.abs(points[:, None] - points[None]).mean(axis=2).sum()
        return float(apart / (len(points) * (len(points) - 1)))

    def _ranks(self, finished: NDArray[np.int64]) -> Losses:
        """Returns ranks (finished trials × objectives): 0 is the best value, 1 the worst, above 1 for violated
        constraints.
        """
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
    """Evaluates the model at some points.

    Args:
        known: known points, n × d.
        values: values at the known points, n × m.
        places: points to evaluate, k × d.
        smoothing: added to the diagonal of the kernel.

    Returns:
        Predictions, k × m. Weights w and trend t solve (K + smoothing I) w + P t = values, P' w = PRIOR t, with
        K = |x - x'|^3 and P = (1, x); the predictions apply them at `places`.
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
    """Returns the ranks of each column, evenly from 0 to 1; ties share their mean."""
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
    """Returns the indices of the trials in the model."""
    if len(ranks) <= MEMORY:
        return np.arange(len(ranks))
    best = np.argpartition(ranks, MEMORY // 2)[: MEMORY // 2]
    return np.unique(np.concatenate([best, np.arange(len(ranks) - MEMORY // 2, len(ranks))]))


def _stretched(values: Points) -> Points:
    """Scales values to [0, 1]; all 0 if they are equal."""
    extent = float(np.ptp(values))
    return np.asarray((values - values.min()) / (extent if extent > 0 else 1.0))
