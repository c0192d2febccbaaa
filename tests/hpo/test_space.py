"""Spaces: whatever is drawn is inside the bounds, respects the conditions, and comes back from storage unchanged."""

import random
from collections.abc import Mapping

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FixedTrial
from pydantic import TypeAdapter, ValidationError

from hpo.configuration import Configuration
from hpo.parameters.kinds import Parameter
from hpo.parameters.subsets import SubsetParameter
from hpo.scale import from_unit, to_unit
from hpo.space import Space, SpaceError

PARAMETERS = TypeAdapter(dict[str, Parameter])


def space_of(**parameters: dict[str, object]) -> Space:
    return Space(PARAMETERS.validate_python(parameters))


@st.composite
def parameter_texts(draw: st.DrawFn) -> dict[str, object]:
    kind = draw(st.sampled_from(["float", "int", "choice", "bool", "subset"]))
    if kind == "float":
        low = draw(st.floats(1e-6, 1e3))
        return {"type": kind, "low": low, "high": low * draw(st.floats(1.01, 1e3)), "log": draw(st.booleans())}
    if kind == "int":
        low = draw(st.integers(1, 50))
        if draw(st.booleans()):
            return {"type": kind, "low": low, "high": low + draw(st.integers(1, 200)), "log": True}
        step = draw(st.integers(1, 7))
        return {"type": kind, "low": low, "high": low + step * draw(st.integers(1, 30)), "step": step}
    if kind == "choice":
        scalars = st.none() | st.integers(2, 9) | st.sampled_from(["a", "b", "c"]) | st.floats(10.5, 99.0)
        return {"type": kind, "choices": draw(st.lists(scalars, min_size=1, max_size=5, unique=True))}
    if kind == "bool":
        return {"type": kind}
    of = draw(st.lists(st.integers(0, 20), min_size=1, max_size=5, unique=True))
    sizes = sorted(draw(st.tuples(st.integers(0, len(of)), st.integers(1, len(of)))))
    return {"type": kind, "of": of, "min_size": sizes[0], "max_size": sizes[1]}


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Random spaces in which a parameter may depend on earlier ones, written down in another order."""
    texts = draw(st.lists(parameter_texts(), min_size=1, max_size=6))
    named = {f"p{index}": text for index, text in enumerate(texts)}
    for index, text in enumerate(texts):
        parents = [f"p{j}" for j in range(index) if texts[j]["type"] in ("choice", "bool", "int")]
        for parent in draw(st.lists(st.sampled_from(parents), unique=True, max_size=2)) if parents else []:
            above = named[parent]
            values = above.get("choices", [False, True] if above["type"] == "bool" else [above.get("low")])
            text.setdefault("when", {})
            assert isinstance(text["when"], dict)
            text["when"][parent] = [draw(st.sampled_from(values))]
    order = draw(st.permutations(list(named)))
    return Space(PARAMETERS.validate_python({name: named[name] for name in order}))


def is_active(space: Space, path: str, values: Mapping[str, object]) -> bool:
    """The definition, by recursion on the parents."""
    conditions = space.parameters[path].conditions
    return all(is_active(space, up, values) and values[up] in admitted for up, admitted in conditions.items())


@given(spaces(), st.integers(0, 2**32 - 1))
def test_what_is_drawn_is_active_in_bounds_and_survives_storage(space: Space, seed: int) -> None:
    units = np.random.default_rng(seed).random(len(space.parameters))
    raw = {
        path: from_unit(distribution, unit)
        for (path, distribution), unit in zip(space.distributions().items(), units, strict=True)
    }
    expressed = space.expressed(raw)
    assert set(expressed) == {path for path in raw if is_active(space, path, raw)}
    assert space.is_complete(raw)
    assert space.is_complete(expressed)
    configuration = space.configuration(raw)
    for path, value in configuration.values.items():
        parameter = space.parameters[path]
        assert parameter.has(value)
        distribution = parameter.distribution()
        assert distribution.to_external_repr(distribution.to_internal_repr(expressed[path])) == expressed[path]
        assert parameter.decode(parameter.encode(value)) == value
    assert space.suggest(FixedTrial(expressed)) == configuration  # type: ignore[arg-type]


@given(spaces(), st.integers(0, 2**32 - 1))
def test_optuna_stores_what_the_distributions_say(space: Space, seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed)).ask()
    configuration = space.suggest(trial)
    assert dict(trial.distributions) == {path: space.distributions()[path] for path in configuration.values}
    assert space.configuration(trial.params) == configuration


@given(spaces(), st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
def test_the_hash_knows_values_not_their_order(space: Space, seed: int, shuffler: random.Random) -> None:
    first, second = (space.draw(np.random.default_rng(seed + more)) for more in (0, 1))
    items = list(first.values.items())
    shuffler.shuffle(items)
    assert Configuration(dict(items)).hash == first.hash
    assert (first.hash == second.hash) == (dict(first.values) == dict(second.values))


@given(st.floats(0.0, 1.0), parameter_texts().filter(lambda text: text["type"] in ("float", "int")))
def test_the_unit_interval_and_back(unit: float, text: dict[str, object]) -> None:
    distribution = space_of(p=text).distributions()["p"]
    assert isinstance(distribution, optuna.distributions.FloatDistribution | optuna.distributions.IntDistribution)
    value = from_unit(distribution, unit)
    assert isinstance(value, int | float)
    assert distribution.low <= value <= distribution.high
    if distribution.step is None:
        assert to_unit(distribution, value) == pytest.approx(unit, abs=1e-9)
    else:
        assert (value - distribution.low) % distribution.step == 0
        assert from_unit(distribution, to_unit(distribution, value)) == value


def test_every_value_of_a_grid_gets_its_share_of_the_unit_interval() -> None:
    whole = space_of(p={"type": "int", "low": 3, "high": 6}).distributions()["p"]
    positions = (np.arange(4000) + 0.5) / 4000
    values, counts = np.unique([from_unit(whole, unit) for unit in positions], return_counts=True)
    assert values.tolist() == [3, 4, 5, 6]
    assert counts.tolist() == [1000] * 4


def test_a_subset_is_a_readable_word_in_storage_and_a_list_in_settings() -> None:
    space = space_of(s={"type": "subset", "of": [0, 1, 2], "min_size": 0, "max_size": 2})
    distribution = space.distributions()["s"]
    assert isinstance(distribution, optuna.distributions.CategoricalDistribution)
    assert distribution.choices == ("", "0", "1", "2", "0+1", "0+2", "1+2")
    assert [space.configuration({"s": word}).values["s"] for word in ("", "2", "0+2")] == [[], [2], [0, 2]]


def test_parents_resolve_in_any_order_and_all_conditions_must_hold() -> None:
    space = space_of(
        c={"type": "bool", "when": {"a": "x", "b": [1, 2]}},
        b={"type": "int", "low": 1, "high": 3, "when": {"a": "x"}},
        a={"type": "choice", "choices": ["x", "y"]},
    )
    assert list(space.parameters) == ["a", "b", "c"]
    assert set(space.expressed({"a": "x", "b": 2, "c": True})) == {"a", "b", "c"}
    assert set(space.expressed({"a": "x", "b": 3, "c": True})) == {"a", "b"}
    assert set(space.expressed({"a": "y", "b": 2, "c": True})) == {"a"}
    assert space.conditions_of("c") == {"a": ("x",), "b": (1, 2)}


def test_defaults_are_a_configuration_only_if_all_that_is_active_has_one() -> None:
    texts: dict[str, dict[str, object]] = {
        "a": {"type": "choice", "choices": ["x", "y"], "default": "x"},
        "b": {"type": "int", "low": 1, "high": 3, "when": {"a": "y"}},
        "c": {"type": "choice", "choices": [None, 1], "default": None},
    }
    assert space_of(**texts).defaults() == {"a": "x", "c": None}
    assert space_of(**{**texts, "a": {**texts["a"], "default": "y"}}).defaults() is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ({"type": "float", "low": 1.0, "high": 0.1}, "low < high must hold, but low is 1 and high is 0.1"),
        ({"type": "int", "low": 3, "high": 3}, "low < high must hold"),
        ({"type": "float", "low": 0.0, "high": 1.0, "log": True}, "log needs low > 0"),
        ({"type": "float", "low": 0.0, "high": 1.0, "step": 0.3}, "multiple of step"),
        ({"type": "float", "low": 0.1, "high": 1.0, "step": 0.1, "log": True}, "step and log exclude"),
        ({"type": "int", "low": 1, "high": 4, "step": 2}, "multiple of step"),
        ({"type": "int", "low": 1, "high": 4, "step": 3, "log": True}, "step and log exclude"),
        ({"type": "int", "low": 1, "high": 4, "default": 5}, "default must be between 1 and 4, but is 5"),
        ({"type": "int", "low": 1.5, "high": 4}, "valid integer"),
        ({"type": "float", "low": 0.0, "high": float("inf")}, "finite"),
        ({"type": "choice", "choices": []}, "at least 1 item"),
        ({"type": "choice", "choices": [1, True]}, "must differ"),
        ({"type": "choice", "choices": ["a"], "default": "b"}, "default must be one of choices"),
        ({"type": "subset", "of": []}, "at least 1 item"),
        ({"type": "subset", "of": [1, 1]}, "must differ"),
        ({"type": "subset", "of": ["a+b"]}, "may contain"),
        ({"type": "subset", "of": [1, 2], "min_size": 3}, "min_size <= max_size <= 2"),
        ({"type": "subset", "of": [1, 2], "min_size": 2, "max_size": 1}, "min_size is 2 and max_size 1"),
        ({"type": "subset", "of": list(range(11)), "min_size": 0}, "has 2048 subsets, more than 1024; narrow"),
        ({"type": "subset", "of": [1, 2], "default": [2, 1]}, "default must be an allowed subset"),
        ({"type": "lottery"}, "expected tags"),
        ({"type": "bool", "low": 1}, "Extra inputs"),
    ],
)
def test_impossible_parameters_are_refused_with_their_numbers(text: dict[str, object], problem: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        space_of(p=text)
    assert problem in str(refusal.value)


FREE: dict[str, object] = {"type": "bool"}


@pytest.mark.parametrize(
    ("texts", "parts", "problem"),
    [
        ({"a": {**FREE, "when": {"bb": True}}, "b": FREE}, ("a", "when", "bb"), "is no parameter of this space"),
        ({"a": {**FREE, "when": {"b": 3}}, "b": FREE}, ("a", "when", "b"), "never has the value 3; choose from False"),
        ({"a": {**FREE, "when": {"b": []}}, "b": FREE}, ("a", "when", "b"), "names no value"),
        (
            {"a": {**FREE, "when": {"b": 1}}, "b": {"type": "float", "low": 0, "high": 1}},
            ("a", "when", "b"),
            "is a float; only choice, bool and int",
        ),
        ({"a": {**FREE, "when": {"b": True}}, "b": {**FREE, "when": {"a": True}}}, None, "form a circle"),
        ({"a": {**FREE, "when": {"a": True}}}, ("a", "when"), "form a circle: a -> a"),
    ],
)
def test_impossible_conditions_are_refused(
    texts: dict[str, dict[str, object]], parts: tuple[str, ...] | None, problem: str
) -> None:
    with pytest.raises(SpaceError, match=problem) as refusal:
        space_of(**texts)
    assert parts is None or refusal.value.parts == parts


def test_subsets_keep_the_order_of_their_members() -> None:
    parameter = PARAMETERS.validate_python({"p": {"type": "subset", "of": ["z", "a"]}})["p"]
    assert isinstance(parameter, SubsetParameter)
    assert parameter.subsets() == [("z",), ("a",), ("z", "a")]
