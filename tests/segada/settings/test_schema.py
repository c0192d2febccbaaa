"""Paths into the settings tree, and trees of overrides."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from segada.settings import RunSettings
from segada.settings.nested import at_path, merged, nested
from segada.settings.schema import all_paths, names_below, nearest, slots

DEFAULTS = RunSettings().model_dump(mode="json")


def test_every_default_value_stands_at_a_path_that_accepts_it() -> None:
    seen = 0
    for path in all_paths(RunSettings):
        value = at_path(DEFAULTS, path.split("."))
        if value is None:
            continue
        accepted = []
        for slot in slots(RunSettings, path.split(".")):
            chosen = all(at_path(DEFAULTS, name.split(".")) == kind for name, kind in slot.given.items())
            if chosen:
                slot.check(value)
                accepted.append(slot)
        seen += bool(accepted)
    assert seen > 35


@pytest.mark.parametrize(
    ("path", "given_names"),
    [
        ("seed", [{}]),
        ("adapter.bottleneck", [{"adapter.name": "adaptformer"}]),
        ("adapter.stages.1", [{"adapter.name": name} for name in ("adaptformer", "lora", "vida", "rein")]),
        (
            "method.optimizer.lr",
            [
                {"method.name": name}
                for name in (
                    "tent",
                    "eata",
                    "sar",
                    "cotta",
                    "svdp",
                    "rmt",
                    "rotta",
                    "dacs",
                    "adversarial",
                    "supervised",
                )
            ],
        ),
        ("controller.detector.threshold", [{"controller.name": "hamlet"}]),
        ("controller.modular.speeds.3", [{"controller.name": "hamlet"}]),
        ("data.size.1", [{}]),
        ("data.size.2", []),
        ("method.lr", []),
        ("seed.x", []),
    ],
)
def test_a_path_leads_to_one_place_for_each_kind_that_has_it(path: str, given_names: list[dict[str, str]]) -> None:
    assert [dict(slot.given) for slot in slots(RunSettings, path.split("."))] == given_names


def test_groups_are_told_from_settings() -> None:
    assert all(slot.is_group() for slot in slots(RunSettings, ["method", "optimizer"]))
    assert all(slot.is_group() for slot in slots(RunSettings, ["data", "domains"]))
    assert not any(slot.is_group() for slot in slots(RunSettings, ["stream", "visits"]))


@pytest.mark.parametrize(
    ("path", "bad"), [("seed", -1), ("seed", True), ("adapter.stages", []), ("method.pseudo_threshold", 1.5)]
)
def test_bounds_and_types_hold_at_the_place(path: str, bad: object) -> None:
    for slot in slots(RunSettings, path.split(".")):
        with pytest.raises(ValidationError):
            slot.check(bad)


def test_names_below_know_which_kind_was_chosen() -> None:
    assert "pseudo_threshold" in names_below(RunSettings, ["method"], {"method": {"name": "dacs"}})
    assert "pseudo_threshold" not in names_below(RunSettings, ["method"], {"method": {"name": "batch_norm"}})


def test_nearest_prefers_a_spelling_then_a_last_name_then_lists_all() -> None:
    paths = all_paths(RunSettings)
    assert nearest("method.pseudo_treshold", paths) == "did you mean method.pseudo_threshold?"
    assert nearest("bottleneck", paths) == "did you mean adapter.bottleneck?"
    assert nearest("zzz", ["a", "b"]) == "choose from a, b"


def test_another_kind_replaces_a_section_and_the_same_kind_fills_it() -> None:
    base = {"adapter": {"name": "adaptformer", "bottleneck": 8}, "seed": 1}
    assert merged(base, {"adapter": {"name": "none"}}) == {"adapter": {"name": "none"}, "seed": 1}
    assert merged(base, {"adapter": {"scale": 2.0}})["adapter"] == {
        "name": "adaptformer",
        "bottleneck": 8,
        "scale": 2.0,
    }
    assert base == {"adapter": {"name": "adaptformer", "bottleneck": 8}, "seed": 1}


PATHS = st.lists(st.text("ab", min_size=1, max_size=2), min_size=1, max_size=3).map(".".join)


@given(st.dictionaries(PATHS, st.integers(), max_size=5))
def test_nesting_keeps_every_value_that_no_other_path_runs_through(values: dict[str, int]) -> None:
    tree = nested(values)
    for path, value in values.items():
        if not any(
            other != path and (other.startswith(f"{path}.") or path.startswith(f"{other}.")) for other in values
        ):
            assert at_path(tree, path.split(".")) == value
