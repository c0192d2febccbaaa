"""Tests of grid search: its values, its branches, its end."""

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from pydantic import TypeAdapter

from hpo.samplers import grid
from hpo.samplers.grid import GridSettings, levels
from hpo.search_space import Space
from hpo.search_space.conditions import Clauses
from hpo.search_space.kinds import Parameter

PARAMETERS = {
    "kind": {"type": "choice", "choices": ["none", "a"]},
    "rate": {"type": "float", "low": 1e-4, "high": 1e-2, "log": True},
    "width": {"type": "int", "low": 4, "high": 64, "when": {"kind": "a"}},
}


def proposals(space: Space, count: int, seed: int = 0, levels: int = 3) -> list[str]:
    study = optuna.create_study(sampler=GridSettings(name="grid", levels=levels, seed=seed).build(space, count))
    return [str(space.suggest(study.ask())) for _ in range(count)]


def space_of(forbidden: list[object] | None = None) -> Space:
    parameters = TypeAdapter(dict[str, Parameter]).validate_python(PARAMETERS)
    return Space(parameters, TypeAdapter(list[Clauses]).validate_python(forbidden or []))


def test_numbers_have_levels_evenly_in_their_scale_with_the_ends_among_them() -> None:
    assert levels(FloatDistribution(0.0, 1.0), 5) == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert levels(FloatDistribution(1e-4, 1e-2, log=True), 3) == pytest.approx([1e-4, 1e-3, 1e-2])
    assert levels(FloatDistribution(1e-4, 1e-2, log=True), 3)[0] == 1e-4
    assert levels(FloatDistribution(0.0, 1.0, step=0.5), 5) == [0.0, 0.5, 1.0]
    assert levels(IntDistribution(4, 64, log=True), 3) == [4, 16, 64]
    assert levels(IntDistribution(1, 3), 3) == [1, 2, 3]
    assert levels(IntDistribution(1, 8), 2) == [1, 8]
    assert levels(IntDistribution(1, 4, log=True), 9) == [1, 2, 3, 4]
    assert levels(CategoricalDistribution(["x", "y"]), 9) == ["x", "y"]


def test_every_point_comes_once_and_inactive_parameters_make_no_more_of_them() -> None:
    found = proposals(space_of(), 12)
    assert len(set(found)) == 3 + 9
    assert proposals(space_of(), 12, seed=1) != found


def test_forbidden_points_are_no_points_of_the_grid_and_after_the_last_it_begins_again() -> None:
    found = proposals(space_of([{"kind": "a", "rate": {"above": 0.005}}]), 11)
    assert len(set(found[:9])) == 3 + 6
    assert set(found[9:]) <= set(found[:9])
    assert not [point for point in found if '"a"' in point and "rate=0.01" in point]


def test_a_grid_too_large_to_write_down_is_drawn_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grid, "LISTED", 5)
    found = proposals(space_of(), 8, levels=9)
    assert len(set(found)) == 8


def test_points_that_another_processor_computed_with_other_last_bits_are_not_tried_again() -> None:
    space = Space(TypeAdapter(dict[str, Parameter]).validate_python({"rate": PARAMETERS["rate"]}))
    study = optuna.create_study(sampler=GridSettings(name="grid", levels=5).build(space, 5))
    for level in levels(space.distributions()["rate"], 5)[1:4]:
        assert isinstance(level, float)
        study.enqueue_trial({"rate": float(np.nextafter(level, 1.0))})
    running = study.ask()
    space.suggest(running)
    for _ in range(4):
        trial = study.ask()
        space.suggest(trial)
        study.tell(trial, 0.0)
    found = sorted(trial.params["rate"] for trial in study.trials)
    assert found == pytest.approx(levels(space.distributions()["rate"], 5))
