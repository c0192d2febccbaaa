"""Tests of the choice of a sampler by `auto`."""

import pytest
from pydantic import TypeAdapter

from hpo.samplers.auto import choose
from hpo.search_space import Space
from hpo.search_space.kinds import Parameter

FEW = {"a": {"type": "int", "low": 1, "high": 4}, "b": {"type": "bool", "when": {"a": [1, 2]}}}
MANY = {**FEW, "x": {"type": "float", "low": 0.0, "high": 1.0}}


@pytest.mark.parametrize(
    ("parameters", "trials", "expected"), [(FEW, 6, "grid"), (FEW, 5, "genetic"), (MANY, 500, "genetic")]
)
def test_the_rule(parameters: dict[str, object], trials: int, expected: str) -> None:
    space = Space(TypeAdapter(dict[str, Parameter]).validate_python(parameters))
    settings = choose(space, trials, 7)
    assert settings.model_dump()["name"] == expected
    assert settings.seed == 7
