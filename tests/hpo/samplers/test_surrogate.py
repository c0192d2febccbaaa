"""Tests of the surrogate that picks among children: its formula, its coordinates, and its data."""

import numpy as np
import pytest
from optuna.distributions import FloatDistribution
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import TypeAdapter

from hpo.samplers import surrogate
from hpo.samplers.surrogate import Coordinates, RbfSurrogate, predicted
from hpo.search_space import Space
from hpo.search_space.kinds import Parameter

pytestmark = pytest.mark.rounding

UNIT = {"type": "float", "low": 0.0, "high": 1.0}


def space_of(**parameters: object) -> Space:
    return Space(TypeAdapter(dict[str, Parameter]).validate_python(parameters))


LINE = space_of(x=UNIT)


def trial(
    number: int, x: float, *values: float, state: TrialState = TrialState.COMPLETE, excess: float = 0.0
) -> FrozenTrial:
    made = create_trial(
        state=state,
        values=list(values) if state == TrialState.COMPLETE else None,
        params={"x": x},
        distributions={"x": FloatDistribution(0.0, 1.0)},
        constraints={"limit": excess},
    )
    made.number = number
    return made


def model(directions: list[StudyDirection], *trials: FrozenTrial) -> RbfSurrogate:
    made = RbfSurrogate(Coordinates(LINE), directions, 0.0)
    for each in trials:
        made.learn(each)
    return made


def picks(made: RbfSurrogate, children: list[float], novelty: float = 0.0, draws: int = 20) -> set[float]:
    generator = np.random.default_rng(0)
    points = [{"x": child} for child in children]
    return {children[made.pick(points, [], novelty, generator)] for _ in range(draws)}


def test_the_model_goes_through_what_it_is_told_and_follows_a_straight_line() -> None:
    generator = np.random.default_rng(0)
    known, places = generator.random((12, 3)), generator.random((5, 3))
    values = generator.random((12, 2))
    assert predicted(known, values, known, 0.0) == pytest.approx(values, abs=1e-6)
    slopes = np.array([[1.0, 0.0], [-2.0, 1.0], [0.5, 3.0]])
    assert predicted(known, known @ slopes + 0.3, places, 0.0) == pytest.approx(places @ slopes + 0.3, abs=1e-4)


def test_the_model_is_its_formula() -> None:
    """In one dimension, of three points: the weights solve the system that the docstring writes."""
    known, values, place = np.array([[0.1], [0.4], [0.9]]), np.array([[1.0], [0.0], [0.5]]), np.array([[0.6]])
    kernel = np.abs(known - known.T) ** 3 + 0.1 * np.eye(3)
    trend = np.hstack([np.ones((3, 1)), known])
    system = np.block([[kernel, trend], [trend.T, -surrogate.PRIOR * np.eye(2)]])
    solved = np.linalg.solve(system, np.concatenate([values[:, 0], [0.0, 0.0]]))
    plain = np.abs(place - known.T) ** 3 @ solved[:3] + solved[3] + place @ solved[4:]
    assert predicted(known, values, place, 0.1)[:, 0] == pytest.approx(plain)


def test_smoothing_believes_an_outlier_less() -> None:
    known = np.linspace(0.0, 1.0, 9)[:, None]
    values = np.zeros((9, 1))
    values[4] = 1.0
    sharp, smooth = (predicted(known, values, known[4:5], smoothing)[0, 0] for smoothing in (0.0, 0.1))
    assert sharp == pytest.approx(1.0)
    assert 0.0 < smooth < 0.5


def test_the_child_where_results_promise_most_is_picked() -> None:
    trials = [trial(number, x, (x - 0.3) ** 2) for number, x in enumerate((0.0, 0.2, 0.5, 0.7, 1.0))]
    assert picks(model([StudyDirection.MINIMIZE], *trials), [0.05, 0.3, 0.6, 0.9]) == {0.3}
    assert picks(model([StudyDirection.MAXIMIZE], *trials), [0.05, 0.3, 0.6, 0.95]) == {0.95}


def test_novelty_prefers_what_is_far_from_everything_tried_and_running() -> None:
    made = model([StudyDirection.MINIMIZE], trial(0, 0.0, 0.0), trial(1, 0.1, 1.0), trial(2, 0.2, 1.5))
    assert picks(made, [0.05, 0.9]) == {0.05}
    assert picks(made, [0.05, 0.9], novelty=1.0, draws=60) == {0.05, 0.9}
    points = [{"x": 0.05}, {"x": 0.9}, {"x": 0.5}]
    generators = [np.random.default_rng(seed) for seed in range(40)]
    assert {made.pick(points, [{"x": 0.91}], 1.0, generator) for generator in generators} == {0, 2}


def test_two_objectives_are_looked_at_from_all_sides() -> None:
    trials = [trial(number, x, x, 1.0 - x) for number, x in enumerate((0.0, 0.25, 0.5, 0.75, 1.0))]
    made = model([StudyDirection.MINIMIZE, StudyDirection.MINIMIZE], *trials)
    assert picks(made, [0.05, 0.4, 0.6, 0.95], draws=60) >= {0.05, 0.95}


def test_failed_pruned_and_limit_breaking_trials_warn_of_where_they_were() -> None:
    good = [trial(0, 0.1, 1.0), trial(1, 0.3, 0.8), trial(2, 0.5, 0.6), trial(3, 0.7, 0.4)]
    ends = [0.6, 0.98]
    warned = {
        "failed": trial(4, 0.95, state=TrialState.FAIL),
        "pruned": trial(4, 0.95, state=TrialState.PRUNED),
        "exceeding": trial(4, 0.95, 0.0, excess=1.0),
    }
    for other in warned.values():
        assert picks(model([StudyDirection.MINIMIZE], *good, other), ends) == {0.6}
    assert picks(model([StudyDirection.MINIMIZE], *good, trial(4, 0.95, 0.0)), ends) == {0.98}


def test_of_many_trials_the_best_and_the_latest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(surrogate, "MEMORY", 6)
    assert surrogate._remembered(np.array([0.9, 0.0, 0.8, 0.1, 0.7, 0.2, 0.6, 0.5, 0.4])).tolist() == [1, 3, 5, 6, 7, 8]
    assert surrogate._remembered(np.array([0.9, 0.0])).tolist() == [0, 1]


def test_ranks_are_even_and_equals_share_their_mean() -> None:
    losses = np.array([[3.0, 1.0], [1.0, 1.0], [3.0, 1.0], [7.0, 1.0], [3.0, 0.0]])
    assert surrogate._rank(losses).tolist() == [[0.5, 0.625], [0.0, 0.625], [0.5, 0.625], [1.0, 0.625], [0.5, 0.0]]
    assert surrogate._rank(losses[:1]).tolist() == [[0.0, 0.0]]
    assert surrogate._rank(losses[:0]).shape == (0, 2)


def test_choices_are_as_far_apart_as_the_ends_of_a_range_and_inactive_genes_nowhere() -> None:
    space = space_of(
        rate={"type": "float", "low": 1e-4, "high": 1.0, "log": True},
        kind={"type": "choice", "choices": ["a", "b", "c"]},
        places={"type": "subset", "of": [0, 1, 2, 3], "when": {"kind": "b"}},
    )
    coordinates = Coordinates(space)

    def apart(first: dict[str, object], second: dict[str, object]) -> float:
        one, other = (np.array(coordinates.of(point)) for point in (first, second))  # type: ignore[arg-type]
        return float(np.linalg.norm(one - other))

    here = {"rate": 1e-2, "kind": "a"}
    assert coordinates.width == len(coordinates.of({"rate": 1e-2, "kind": "a"})) == 1 + 3 + 4
    assert apart({**here, "rate": 1e-4}, {**here, "rate": 1.0}) == pytest.approx(1.0)
    assert apart(here, {**here, "kind": "c"}) == pytest.approx(1.0)
    b = {"rate": 1e-2, "kind": "b"}
    assert apart({**b, "places": "0+1"}, {**b, "places": "2+3"}) == pytest.approx(1.0)
    assert apart({**b, "places": "0+1"}, {**b, "places": "0+1+2"}) == pytest.approx(0.5)


def test_nothing_depends_on_the_order_in_which_trials_end() -> None:
    trials = [trial(number, x, x) for number, x in enumerate((0.4, 0.1, 0.8, 0.3))]
    directions = [StudyDirection.MINIMIZE]
    forth, back = model(directions, *trials), model(directions, *reversed(trials))
    points = [{"x": x} for x in (0.2, 0.5, 0.6)]
    picked = [made.pick(points, [], 1.0, np.random.default_rng(1)) for made in (forth, back)]
    assert picked[0] == picked[1]
