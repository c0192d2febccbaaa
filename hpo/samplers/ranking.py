"""Ranking of trials: first by constraints, then by objectives."""

import bisect
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

Losses = NDArray[np.float64]


def losses_of(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> Losses:
    """Returns the objective values of complete trials as losses (trials × objectives); smaller is better."""
    signs = [-1.0 if direction == StudyDirection.MAXIMIZE else 1.0 for direction in directions]
    return np.array([trial.values for trial in trials], float).reshape(len(trials), len(signs)) * signs


def violations_of(trials: Sequence[FrozenTrial]) -> Losses:
    """Returns the sum of each trial's constraint violations; 0 if it is feasible."""
    return np.array([sum(max(excess, 0.0) for excess in trial.constraints.values()) for trial in trials], float)


def best_first(
    trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection], limits: Collection[str] = ()
) -> list[FrozenTrial]:
    """Returns the complete trials that keep every limit, best first: by the first objective, then by the others.

    Args:
        trials: Trials in any state.
        directions: Directions of the objectives.
        limits: Constraints by text; a trial in which one of them was not recorded is not known to keep it.
    """
    complete = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    known = [trial for trial in complete if trial.constraints.keys() >= set(limits)]
    kept = [trial for trial in known if all(value <= 0 for value in trial.constraints.values())]
    return [kept[place] for place in np.lexsort(losses_of(kept, directions).T[::-1])]


def spread_out(losses: Losses, count: int) -> list[int]:
    """Returns rows of a Pareto front (n × m) that represent it, at most `count`; fewer of them are a prefix of more.

    The order is: the best row by each column, the knee (the row nearest to the best value of every column, columns
    scaled to [0, 1]), then each time the row farthest from those before.
    """
    if not len(losses) or count == 0:
        return []
    lowest, extent = losses.min(axis=0), np.ptp(losses, axis=0)
    scaled = (losses - lowest) / np.where(extent > 0, extent, 1.0)
    ends = [int(np.lexsort((scaled.sum(axis=1), column))[0]) for column in scaled.T]
    knee = int(np.argmin(np.linalg.norm(scaled, axis=1)))
    chosen = list(dict.fromkeys([*ends, knee]))[:count]
    distance = np.min([np.linalg.norm(scaled - scaled[place], axis=1) for place in chosen], axis=0)
    while len(chosen) < min(count, len(losses)):
        # A row that is equal to a chosen one is still another configuration.
        distance[chosen] = -1.0
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(scaled - scaled[chosen[-1]], axis=1))
    return chosen


def dominates(first: Losses, second: Losses) -> NDArray[np.bool_]:
    """Returns which rows of `first` (n × m) dominate which rows of `second` (k × m), as n × k.

    A dominating row is no larger in every column and smaller in at least one.
    """
    smaller_or_equal = np.all(first[:, None] <= second[None], axis=2)
    return np.asarray(smaller_or_equal & np.any(first[:, None] < second[None], axis=2))


def fronts(losses: Losses) -> list[NDArray[np.int64]]:
    """Returns the rows of losses (n × m) in Pareto fronts: the non-dominated rows, then those dominated only by these,
    etc.
    """
    layers: list[list[int]] = []
    rows = losses.tolist()
    # A row that dominates another comes before it.
    for row in np.lexsort(losses.T[::-1]).tolist():
        place = _front(layers, losses, rows, row)
        if place == len(layers):
            layers.append([])
        layers[place].append(row)
    return [np.sort(front) for front in layers]


def _front(layers: Sequence[Sequence[int]], losses: Losses, rows: Sequence[Sequence[float]], row: int) -> int:
    """Returns the first front, of rows in lexicographic order, that does not dominate a later row.

    A row that a front dominates is dominated by every earlier front, so it is found by bisection (Zhang et al. 2015,
    efficient non-dominated sort).
    """

    def is_open(front: Sequence[int]) -> int:
        last = rows[front[-1]]
        if len(last) > 2:
            return int(not dominates(losses[front], losses[row, None]).any())
        # The last row of the front has its smallest second loss.
        return int(last == rows[row] or last[-1] > rows[row][-1])

    return bisect.bisect_left(layers, 1, key=is_open)


def crowding(losses: Losses) -> Losses:
    """Returns the crowding distance of each row of losses (n × m) to its neighbors, over all columns (Deb et
    al. 2002).
    """
    distance = np.zeros(len(losses))
    for column in losses.T:
        order = np.argsort(column, kind="stable")
        ordered = column[order]
        distance[order[[0, -1]]] = np.inf
        extent = ordered[-1] - ordered[0]
        if extent > 0:
            distance[order[1:-1]] += (ordered[2:] - ordered[:-2]) / extent
    return distance


def places(trials: Sequence[FrozenTrial], directions: Sequence[StudyDirection]) -> Mapping[int, int]:
    """Returns the rank of each complete trial by its number, 0 for the best.

    Feasible trials come first, by front and within a front by crowding; then the others by their violation. Of equal
    trials the older is first.
    """
    losses, violations = losses_of(trials, directions), violations_of(trials)
    kept, broken = np.flatnonzero(violations == 0.0), np.flatnonzero(violations > 0.0)
    order = [*kept[_order(losses[kept])], *broken[np.argsort(violations[broken], kind="stable")]]
    return {trials[index].number: place for place, index in enumerate(order)}


def _order(losses: Losses) -> NDArray[np.int64]:
    if losses.shape[1] == 1:
        return np.argsort(losses[:, 0], kind="stable")
    layers = [layer[np.argsort(-crowding(losses[layer]), kind="stable")] for layer in fronts(losses)]
    return np.concatenate([np.zeros(0, np.int64), *layers])
