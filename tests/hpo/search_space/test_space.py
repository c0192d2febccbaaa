"""Tests of search spaces: draws are within bounds, meet the conditions, and survive encoding and decoding."""

import random
from collections.abc import Mapping

import numpy as np
import optuna
import pytest
from hypothesis import given
from hypothesis import strategies as st
from optuna.trial import FixedTrial
from pydantic import TypeAdapter, ValidationError

from hpo.search_space import Space, SpaceError
from hpo.search_space.conditions import Clauses, Comparison
from hpo.search_space.configuration import Configuration
from hpo.search_space.kinds import Parameter
from hpo.search_space.scaling import from_unit, to_unit
from hpo.search_space.subset import SubsetParameter

PARAMETERS = TypeAdapter(dict[str, Parameter])
CLAUSES = TypeAdapter(list[Clauses])


def space_of(forbidden: list[dict[str, object]] | None = None, **parameters: dict[str, object]) -> Space:
    return Space(PARAMETERS.validate_python(parameters), CLAUSES.validate_python(forbidden or []))


@st.composite
def parameter_texts(draw: st.DrawFn) -> dict[str, object]:
    kind = draw(st.sampled_from(["float", "int", "choice", "bool", "subset", "each"]))
    if kind == "float":
        low = draw(st.floats(1e-6, 1e3))
        ends = {"low": low, "high": low * draw(st.floats(1.01, 1e3)), "log": draw(st.booleans())}
        return {"type": kind, **ends, "off": draw(st.sampled_from([None, 0.0]))}
    if kind == "int":
        low = draw(st.integers(1, 50))
        if draw(st.booleans()):
            return {"type": kind, "low": low, "high": low + draw(st.integers(1, 200)), "log": True}
        step = draw(st.integers(1, 7))
        return {"type": kind, "low": low, "high": low + step * draw(st.integers(1, 30)), "step": step}
    if kind == "choice":
        scalars = st.none() | st.integers(2, 9) | st.sampled_from(["a", "b", "c"]) | st.floats(10.5, 99.0)
        lists = st.just([1, "a"]) | st.just([])
        return {"type": kind, "choices": draw(st.lists(scalars | lists, min_size=1, max_size=5, unique_by=repr))}
    if kind == "bool":
        return {"type": kind}
    if kind == "each":
        of = draw(st.lists(st.integers(0, 3), min_size=1, max_size=3, unique=True))
        return {"type": kind, "of": of, "choices": draw(st.permutations(["a", "b", "c"]))}
    of = draw(st.lists(st.integers(0, 20), min_size=1, max_size=5, unique=True))
    sizes = sorted(draw(st.tuples(st.integers(0, len(of)), st.integers(1, len(of)))))
    return {"type": kind, "of": of, "min_size": sizes[0], "max_size": sizes[1]}


@st.composite
def met_by(draw: st.DrawFn, text: dict[str, object]) -> object:
    """A condition on a parameter that it can meet; None if it can have none."""
    if text["type"] == "float":
        return {"above": text["low"]} if text.get("off") is None else draw(st.sampled_from([0.0, {"above": 0.0}]))
    if text["type"] == "subset":
        members = text["of"]
        assert isinstance(members, list)
        return {"has": draw(st.sampled_from(members))}
    scalars = {
        "int": [text.get("low")],
        "bool": [False, True],
        "choice": [choice for choice in text.get("choices", []) if not isinstance(choice, list)],
        "each": [],
    }[str(text["type"])]
    if not scalars:
        return None
    one = draw(st.sampled_from(scalars))
    return draw(
        st.sampled_from([one, [one], *([] if one is None or text["type"] == "bool" else [{"other_than": one}])])
    )


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Random spaces in which a parameter may depend on earlier ones, written down in another order."""
    texts = draw(st.lists(parameter_texts(), min_size=1, max_size=6))
    named = {f"p{index}": text for index, text in enumerate(texts)}
    for index, text in enumerate(texts):
        above = {f"p{j}": test for j in range(index) if (test := draw(met_by(texts[j]))) is not None}
        subsets = [f"p{j}" for j in range(index) if texts[j]["type"] == "subset"]
        if text["type"] == "each" and subsets:
            text["of"] = draw(st.sampled_from(subsets))
        whens = (
            [{path: above[path]} for path in draw(st.lists(st.sampled_from(list(above)), max_size=2))] if above else []
        )
        if whens:
            text["when"] = whens if draw(st.booleans()) else {path: test for one in whens for path, test in one.items()}
    order = draw(st.permutations(list(named)))
    return Space(PARAMETERS.validate_python({name: named[name] for name in order}))


def meets(test: object, value: object) -> bool:
    """The definition of a condition."""
    if isinstance(test, Comparison):
        return {
            "above": lambda: value > test.above,
            "below": lambda: value < test.below,
            "has": lambda: test.has in value,
            "other_than": lambda: value != test.other_than,
        }[test.keys[0]]()
    return value in test if isinstance(test, tuple) else value == test


def is_active(space: Space, path: str, values: Mapping[str, object]) -> bool:
    """The definition, by recursion on the parents."""
    parameter = space.parameters[path]
    linked = getattr(parameter, "of", None)
    return (not isinstance(linked, str) or is_active(space, linked, values)) and any(
        all(is_active(space, up, values) and meets(test, values[up]) for up, test in clauses.items())
        for clauses in parameter.alternatives
    )


@given(spaces(), st.integers(0, 2**32 - 1))
def test_what_is_drawn_is_active_in_bounds_and_survives_storage(space: Space, seed: int) -> None:
    distributions = space.distributions()
    units = np.random.default_rng(seed).random(len(distributions))
    raw = {name: from_unit(one, unit) for (name, one), unit in zip(distributions.items(), units, strict=True)}
    active_values = space.active_values(raw)
    configuration = space.configuration(raw)
    assert set(configuration.values) == {
        path for path in space.parameters if is_active(space, path, configuration.values)
    }
    assert {space.owners[name] for name in active_values} <= set(configuration.values)
    assert space.is_complete(raw)
    assert space.is_complete(active_values)
    assert space.configuration(active_values) == configuration
    assert space.encode(configuration.values) == active_values
    for path, value in configuration.values.items():
        assert space.parameters[path].has(value)
    for name, value in active_values.items():
        assert distributions[name].to_external_repr(distributions[name].to_internal_repr(value)) == value
    assert space.suggest(FixedTrial(active_values)) == configuration  # type: ignore[arg-type]


@given(spaces(), st.integers(0, 2**32 - 1))
def test_optuna_stores_what_the_distributions_say(space: Space, seed: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trial = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed)).ask()
    configuration = space.suggest(trial)
    assert {space.owners[name] for name in trial.distributions} <= set(configuration.values)
    assert dict(trial.distributions) == {name: space.distributions()[name] for name in trial.params}
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
    assert set(space.active_values({"a": "x", "b": 2, "c": True})) == {"a", "b", "c"}
    assert set(space.active_values({"a": "x", "b": 3, "c": True})) == {"a", "b"}
    assert set(space.active_values({"a": "y", "b": 2, "c": True})) == {"a"}
    assert space.ways_to("c") == [{"a": ["x", "x"], "b": [(1, 2)]}]


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
        ({"type": "int", "low": 2, "high": 8, "step": 2, "default": 3}, "between 2 and 8 in steps of 2, but is 3"),
        ({"type": "float", "low": 0.0, "high": 1.0, "step": 0.5, "default": 0.3}, "in steps of 0.5, but is 0.3"),
        ({"type": "float", "low": 0.0, "high": 1.0, "off": 0.0}, "off must be outside 0 to 1, but is 0; narrow"),
        ({"type": "int", "low": 1.5, "high": 4}, "valid integer"),
        ({"type": "float", "low": 0.0, "high": float("inf")}, "finite"),
        ({"type": "choice", "choices": []}, "at least 1 item"),
        ({"type": "choice", "choices": [1, True]}, "must differ"),
        ({"type": "choice", "choices": ["a"], "default": "b"}, "default must be one of choices"),
        ({"type": "choice", "choices": [["a"], ["a"]]}, "must differ"),
        ({"type": "choice", "choices": [["a"], "a"], "default": ["b"]}, "default must be one of choices"),
        ({"type": "each", "of": [1, 1], "choices": ["a"]}, "must differ"),
        ({"type": "each", "of": [1, 2], "choices": ["a", "a"]}, "must differ"),
        ({"type": "each", "of": [1, 2], "choices": ["a"], "default": ["b", "a"]}, "default must consist of choices"),
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
REAL: dict[str, object] = {"type": "float", "low": 0.0, "high": 1.0}
SOME: dict[str, object] = {"type": "subset", "of": [0, 1]}
EACH: dict[str, object] = {"type": "each", "of": [0, 1], "choices": ["x", "y"]}
THREE: dict[str, object] = {"type": "choice", "choices": ["x", "y", "z"]}


@pytest.mark.parametrize(
    ("texts", "parts", "problem"),
    [
        ({"a": {**FREE, "when": {"bb": True}}, "b": FREE}, ("a", "when", "bb"), "is not a parameter of this space"),
        ({"a": {**FREE, "when": {"b": 3}}, "b": FREE}, ("a", "when", "b"), "never has the value 3; choose from False"),
        ({"a": {**FREE, "when": {"b": []}}, "b": FREE}, ("a", "when", "b"), "names no value"),
        ({"a": {**FREE, "when": [{"b": True}, {"b": 2}]}, "b": FREE}, ("a", "when", 1, "b"), "never has the value 2"),
        ({"a": {**FREE, "when": []}}, ("a", "when"), "is empty, so that the parameter would never be active"),
        ({"a": {**FREE, "when": {"b": 0.5}}, "b": REAL}, ("a", "when", "b"), "is continuous.*write {above"),
        ({"a": {**FREE, "when": {"b": {"above": 1.0}}}, "b": REAL}, ("a", "when", "b"), "is between 0 and 1, so"),
        (
            {"a": {**FREE, "when": {"b": {"has": 1}}}, "b": REAL},
            ("a", "when", "b"),
            "is a float, of which .* 'has'; write",
        ),
        ({"a": {**FREE, "when": {"b": 0}}, "b": SOME}, ("a", "when", "b"), "is a subset; write {has: MEMBER}"),
        (
            {"a": {**FREE, "when": {"b": {"has": 7}}}, "b": SOME},
            ("a", "when", "b"),
            "never has the member 7; choose from 0",
        ),
        ({"a": {**FREE, "when": {"b": "x"}}, "b": EACH}, ("a", "when", "b"), "is a list with a value for each of"),
        ({"a": {**FREE, "when": {"b": True}}, "b": {**FREE, "when": {"a": True}}}, None, "form a circle"),
        ({"a": {**FREE, "when": {"a": True}}}, ("a", "when"), "form a circle: a -> a"),
        (
            {"a": {**EACH, "of": "b"}, "b": FREE, "c": SOME},
            ("a", "of"),
            "names 'b', but that is not a subset .* from c",
        ),
        ({"a": {**EACH, "of": "b"}, "b": FREE}, ("a", "of"), "no subset of this space; write a list of members"),
        ({"a": {**REAL, "off": -1.0}, "a.on": FREE}, ("a.on",), "is how a is stored"),
    ],
)
def test_impossible_conditions_are_refused(
    texts: dict[str, dict[str, object]], parts: tuple[str, ...] | None, problem: str
) -> None:
    with pytest.raises(SpaceError, match=problem) as refusal:
        space_of(**texts)
    assert parts is None or refusal.value.parts == ("space", *parts)


@pytest.mark.parametrize(
    ("forbidden", "parts", "problem"),
    [
        ([{}], ("forbidden", 0), "has no clause, so that everything"),
        ([{"a": True}, {"z": 1}], ("forbidden", 1, "z"), "is not a parameter of this space"),
        ([{"a": 2}], ("forbidden", 0, "a"), "never has the value 2"),
    ],
)
def test_impossible_combinations_are_refused(
    forbidden: list[dict[str, object]], parts: tuple[str | int, ...], problem: str
) -> None:
    with pytest.raises(SpaceError, match=problem) as refusal:
        space_of(forbidden, a=FREE)
    assert refusal.value.parts == parts


def test_a_space_that_is_forbidden_whole_says_so() -> None:
    with pytest.raises(SpaceError, match="leaves nothing"):
        space_of([{"a": True}, {"a": False}], a=FREE).draw(np.random.default_rng(0))


def test_an_off_weight_is_one_parameter_with_two_branches() -> None:
    space = space_of(w={"type": "float", "low": 0.01, "high": 1.0, "log": True, "off": 0.0, "default": 0.0})
    assert list(space.distributions()) == ["w.on", "w"]
    assert set(space.owners.values()) == {"w"}
    assert space.configuration({"w.on": False, "w": 0.3}).values == {"w": 0.0}
    assert space.active_values({"w.on": False, "w": 0.3}) == {"w.on": False}
    assert space.configuration({"w.on": True, "w": 0.3}).values == {"w": 0.3}
    assert not space.is_complete({"w.on": True})
    assert space.defaults() == {"w.on": False}
    assert space.encode({"w": 0.5}) == {"w.on": True, "w": 0.5}
    drawn = [space.draw(np.random.default_rng(seed)).values["w"] for seed in range(1000)]
    # A binomial count of 1000 with p = 1/2 leaves 400 to 600 once in 10^9 times.
    assert 400 < drawn.count(0.0) < 600


def test_a_pattern_for_each_stage_that_carries_adapters() -> None:
    space = space_of(
        blocks={"type": "each", "of": "stages", "choices": ["all", "last"], "default": "all"},
        stages={"type": "subset", "of": [0, 1, 2], "default": [0, 2]},
    )
    assert list(space.distributions()) == ["stages", "blocks.0", "blocks.1", "blocks.2"]
    raw = {"stages": "0+2", "blocks.0": "last", "blocks.1": "last", "blocks.2": "all"}
    assert space.configuration(raw).values == {"stages": [0, 2], "blocks": ["last", "all"]}
    assert set(space.active_values(raw)) == {"stages", "blocks.0", "blocks.2"}
    assert space.defaults() == {"stages": "0+2", "blocks.0": "all", "blocks.2": "all"}
    assert space.encode({"stages": [1], "blocks": ["last"]}) == {"stages": "1", "blocks.1": "last"}
    with pytest.raises(ValueError, match=r"blocks has 2 values for the 1 members \[1\] of stages"):
        space.encode({"stages": [1], "blocks": ["last", "all"]})


def test_a_choice_may_be_a_list() -> None:
    space = space_of(c={"type": "choice", "choices": ["all", ["all", "last"]], "default": ["all", "last"]})
    assert space.defaults() == {"c": '["all", "last"]'}
    assert space.configuration({"c": '["all", "last"]'}).values == {"c": ["all", "last"]}
    assert space.configuration({"c": "all"}).values == {"c": "all"}


def test_conditions_compare_numbers_and_hold_for_any_of_several() -> None:
    space = space_of(
        near={**REAL, "low": 0.1, "off": 0.0},
        far={**REAL, "low": 0.1, "off": 0.0},
        either={**FREE, "when": [{"near": {"above": 0.0}}, {"far": {"above": 0.0}}]},
        both={**FREE, "when": {"near": {"above": 0.0}, "far": {"above": 0.0, "below": 0.5}}},
        neither={**FREE, "when": {"near": 0.0, "far": 0.0}},
    )

    def active(near: float, far: float) -> set[str]:
        values = {"near": near, "far": far, "either": True, "both": True, "neither": True}
        return set(space.configuration(space.encode(values)).values) - {"near", "far"}

    assert active(0.0, 0.0) == {"neither"}
    assert active(0.2, 0.0) == {"either"}
    assert active(0.2, 0.3) == {"either", "both"}
    assert active(0.2, 0.7) == {"either"}


def test_forbidden_clauses_hold_for_active_parameters_alone() -> None:
    space = space_of(
        [{"a": True, "b": [1, 2]}],
        a=FREE,
        c=FREE,
        b={"type": "int", "low": 1, "high": 3, "when": {"c": True}},
    )
    assert not space.permits({"a": True, "c": True, "b": 2})
    assert space.permits({"a": True, "c": True, "b": 3})
    assert space.permits({"a": True, "c": False, "b": 2})
    assert space.permits({"a": False, "c": True, "b": 2})


def test_rejection_leaves_the_shares_of_permitted_points_as_they_were() -> None:
    space = space_of([{"a": "x", "b": "x"}], a=THREE, b=THREE)
    generator = np.random.default_rng(0)
    drawn = [tuple(space.draw(generator).values.values()) for _ in range(4000)]
    counts = {point: drawn.count(point) for point in set(drawn)}
    assert set(counts) == {(a, b) for a in "xyz" for b in "xyz"} - {("x", "x")}
    # Each of the eight has probability 1/8; six standard deviations of the count are 125.
    assert all(abs(count - 500) < 125 for count in counts.values())


def test_subsets_keep_the_order_of_their_members() -> None:
    parameter = PARAMETERS.validate_python({"p": {"type": "subset", "of": ["z", "a"]}})["p"]
    assert isinstance(parameter, SubsetParameter)
    assert parameter.subsets() == [("z",), ("a",), ("z", "a")]
