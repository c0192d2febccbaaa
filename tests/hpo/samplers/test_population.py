"""Tests of survivors: with one objective, several, and constraints; dropped trials could never survive again."""

import numpy as np
import pytest
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, create_trial

from hpo.samplers.operators import deap_randomness
from hpo.samplers.population import BATCH, Archive
from hpo.samplers.ranking import crowding, fronts, places, spread_out

DOWN, UP = StudyDirection.MINIMIZE, StudyDirection.MAXIMIZE


def trial(number: int, values: list[float], excess: float | None = None) -> FrozenTrial:
    made = create_trial(
        values=values,
        params={"x": 0.5},
        distributions={"x": FloatDistribution(0.0, 1.0)},
        constraints=None if excess is None else {"limit": excess},
    )
    made.number = number
    return made


def survivors(archive: Archive, selection: str = "nsga2") -> list[int]:
    with deap_randomness(np.random.default_rng(0)):
        return [one.number for one in archive.survivors(selection)]


def test_the_best_come_first_and_of_equals_the_newer() -> None:
    archive = Archive([UP], 3)
    archive.add([trial(number, [value]) for number, value in enumerate((0.2, 0.9, 0.5, 0.9, 0.1))])
    assert survivors(archive) == [3, 1, 2]


@pytest.mark.parametrize("directions", [[DOWN], [UP, DOWN], [DOWN, DOWN, UP]])
def test_dropping_the_hopeless_changes_nothing(directions: list[StudyDirection]) -> None:
    generator = np.random.default_rng(0)
    values = generator.integers(0, 12, (3 * BATCH, len(directions))).astype(float)
    excess = np.maximum(generator.normal(size=len(values)), 0.0)
    trials = [trial(number, row.tolist(), over) for number, (row, over) in enumerate(zip(values, excess, strict=True))]
    whole, small = Archive(directions, 8), Archive(directions, 8)
    whole._trials = trials
    for one in generator.permutation(len(trials)):
        small.add([trials[one]])
    assert survivors(small) == survivors(whole)
    assert len(small._trials) < len(trials)


def test_a_front_is_represented_by_its_ends_its_knee_and_what_is_far_from_them() -> None:
    # A cluster near the first end, a knee in the middle, a point between the knee and the second end.
    front = np.array([[0.0, 10.0], [0.1, 9.5], [0.2, 9.0], [3.0, 3.0], [7.0, 1.5], [10.0, 0.0]])
    assert spread_out(front, 6)[:4] == [0, 5, 3, 4]
    assert sorted(spread_out(front, 9)) == list(range(6))
    # The unit of an objective does not matter.
    assert spread_out(front * [1.0, 1000.0], 6) == spread_out(front, 6)


@pytest.mark.parametrize("objectives", [2, 3, 5])
def test_a_shorter_choice_from_a_front_is_the_beginning_of_a_longer_one(objectives: int) -> None:
    points = np.random.default_rng(objectives).integers(0, 6, (40, objectives)).astype(float)
    whole = spread_out(points, 40)
    assert sorted(whole) == list(range(40))
    assert all(spread_out(points, count) == whole[:count] for count in range(41))
    assert [points[:, column].min() for column in range(objectives)] == [
        min(points[row, column] for row in whole[:objectives]) for column in range(objectives)
    ]
    assert spread_out(points[:0], 3) == []


def test_nsga2_keeps_the_ends_of_the_front_and_drops_where_it_is_crowded() -> None:
    archive = Archive([DOWN, DOWN], 3)
    points = [[0.0, 1.0], [0.49, 0.51], [0.5, 0.5], [1.0, 0.0], [0.9, 0.9]]
    archive.add([trial(number, values) for number, values in enumerate(points)])
    chosen = survivors(archive)
    assert set(chosen) >= {0, 3}
    assert 4 not in chosen


@pytest.mark.parametrize("objectives", [2, 3, 4])
def test_nsga3_selects_from_the_front_and_touches_no_global_state(objectives: int) -> None:
    generator = np.random.default_rng(1)
    front = generator.dirichlet(np.ones(objectives), 20)
    archive = Archive([DOWN] * objectives, 6)
    archive.add([trial(number, row.tolist()) for number, row in enumerate([*front, *(front + 0.5)])])
    before = np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]  # noqa: NPY002
    first = survivors(archive, "nsga3")
    assert len(first) == 6
    assert max(first) < 20
    assert survivors(archive, "nsga3") == first
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index, union-attr]  # noqa: NPY002


def test_those_that_keep_the_limits_come_first_and_then_those_that_exceed_them_least() -> None:
    archive = Archive([UP], 4)
    archive.add(
        [trial(0, [9.0], 2.0), trial(1, [1.0], 0.0), trial(2, [8.0], 0.5), trial(3, [2.0], -1.0), trial(4, [7.0], 3.0)]
    )
    assert survivors(archive) == [3, 1, 2, 0]


def test_places_are_fronts_then_crowding_then_excess() -> None:
    points = [[0.5, 0.5], [0.0, 1.0], [1.0, 1.0], [1.0, 0.0], [0.45, 0.6]]
    trials = [*(trial(number, values) for number, values in enumerate(points)), trial(5, [0.0, 0.0], 1.0)]
    found = places(trials, [DOWN, DOWN])
    assert [sorted(number for number in found if found[number] in rank) for rank in ({0, 1}, {2, 3}, {4}, {5})] == [
        [1, 3],
        [0, 4],
        [2],
        [5],
    ]
    assert places([trial(0, [0.3]), trial(1, [0.1]), trial(2, [0.2])], [UP]) == {0: 0, 2: 1, 1: 2}
    assert [layer.tolist() for layer in fronts(np.array(points))] == [[0, 1, 3, 4], [2]]
    assert crowding(np.array([[0.0, 1.0], [0.2, 0.5], [1.0, 0.0]])).tolist() == [np.inf, 2.0, np.inf]
