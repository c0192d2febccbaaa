"""Tests of the enumeration of a space."""

import pytest
from pydantic import TypeAdapter

from hpo.search_space import Space, enumeration
from hpo.search_space.conditions import Clauses
from hpo.search_space.enumeration import Steps, Unused, all_values, points
from hpo.search_space.kinds import Parameter
from hpo.search_space.size import cardinality


def space_of(parameters: dict[str, object], forbidden: list[object] | None = None) -> Space:
    clauses = TypeAdapter(list[Clauses]).validate_python(forbidden or [])
    return Space(TypeAdapter(dict[str, Parameter]).validate_python(parameters), clauses)


def values(space: Space) -> dict[str, object]:
    return {name: all_values(one) for name, one in space.distributions().items()}


def everything(space: Space) -> list[dict[str, object]]:
    return [dict(point) for point in points(space, values(space)) if point is not None]  # type: ignore[arg-type]


MANY = {f"p{index}": {"type": "int", "low": 0, "high": 99} for index in range(4)}


def test_every_point_comes_once_and_their_number_is_that_of_the_space() -> None:
    space = space_of(
        {
            "kind": {"type": "choice", "choices": ["x", "y"]},
            "width": {"type": "int", "low": 2, "high": 16, "log": True, "when": {"kind": "x"}},
            "weight": {"type": "float", "low": 0.1, "high": 0.5, "step": 0.1, "off": 0.0},
        },
        [{"kind": "y", "weight": 0.0}],
    )
    found = everything(space)
    assert len({str(point) for point in found}) == len(found) == cardinality(space)[0] == 15 * 6 + 5


def test_points_that_a_forbidden_combination_rules_out_together_are_passed_over_together() -> None:
    # A thousand million points are forbidden for the value of the first parameter alone.
    space = space_of(
        {"first": {"type": "bool"}, **MANY},
        [{"first": False}, {"first": True, "p0": {"above": 0}}, {"p1": {"above": 0}}],
    )
    some = [point for _, point in zip(range(300), points(space, values(space)), strict=False)]  # type: ignore[arg-type]
    assert next(point for point in some if point is not None)["first"] is True
    assert sum(point is not None for point in some) > 100


def test_a_branch_with_a_continuous_parameter_is_endless_only_if_it_is_allowed() -> None:
    parameters = {
        "kind": {"type": "choice", "choices": ["x", "y"]},
        "rate": {"type": "float", "low": 0.1, "high": 0.2, "when": {"kind": "y"}},
    }
    free, bound = space_of(parameters), space_of(parameters, [{"kind": "y"}])
    unused = Unused(free, values(free))  # type: ignore[arg-type]
    assert unused.first(lambda _: False) is None
    assert unused.used_up(lambda _: False) is None
    assert Unused(bound, values(bound)).used_up(lambda _: False) == 1  # type: ignore[arg-type]


def test_a_point_that_becomes_new_again_is_found() -> None:
    space = space_of({"a": {"type": "int", "low": 1, "high": 3}})
    unused, used = Unused(space, values(space)), {1, 2, 3}  # type: ignore[arg-type]
    assert unused.used_up(lambda point: point["a"] not in used) == 3
    used.remove(2)
    assert unused.first(lambda point: point["a"] not in used) == {"a": 2}
    assert unused.used_up(lambda point: point["a"] not in used) is None


def test_nobody_waits_for_the_end_of_a_space_that_is_forbidden_nearly_everywhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(enumeration, "FORBIDDEN_IN_A_ROW", 50)
    space = space_of(MANY, [{"p0": {"below": 99}, "p3": {"other_than": 7}}, {"p0": {"below": 99}, "p3": 7}])
    assert Unused(space, values(space)).used_up(lambda _: False) is None  # type: ignore[arg-type]


def test_values_with_a_step_are_computed_when_they_are_read() -> None:
    steps = all_values(space_of({"a": {"type": "int", "low": 0, "high": 999_999}}).distributions()["a"])
    assert isinstance(steps, Steps)
    assert (len(steps), steps[0], steps[999_999], steps[1:3]) == (1_000_000, 0, 999_999, [1, 2])
