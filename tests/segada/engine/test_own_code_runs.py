"""Runs whose parts are code of the user."""

from pathlib import Path

import pytest
from own_code import named, placed

from segada.engine.runner import Run
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.nested import Tree, merged
from segada.testing import methods

DOMAINS: Tree = {"clear": {"dataset": "streets"}, "town": {"dataset": named("TOWN"), "weather": "200mm", "world": 5}}
OWN: Tree = {
    "data": {"domains": DOMAINS},
    "stream": {"visits": ["clear", "town"]},
    "method": {"name": named("Shrink"), "rate": 0.001},
    "controller": {"name": named("Alternating")},
    "evaluation": {"label_free": ["entropy", named("brightness")]},
}
NETWORKS: dict[str, Tree] = {
    "adapters": {"adapter": placed([0, 1]), "image_adapter": {"name": named("prompt")}},
    "encoder and head": {"model": {"encoder": named("Plain"), "head": named("Head"), "checkpoint": None}},
}


def settings_of(tiny_run: dict[str, object], *changes: Tree) -> RunSettings:
    tree: Tree = tiny_run  # type: ignore[assignment]
    for change in changes:
        tree = merged(tree, change)
    return RunSettings.model_validate(tree)


@pytest.mark.parametrize("network", NETWORKS)
def test_a_run_of_own_parts_goes_on_where_it_was_stopped(
    network: str, tiny_run: dict[str, object], tmp_path: Path
) -> None:
    settings = settings_of(tiny_run, OWN, NETWORKS[network])
    methods.assert_resumed_equals_whole(settings, tmp_path)
    (visit, *_) = Run(settings, out=tmp_path / "whole").report().visits
    assert visit.label_free.keys() == {"entropy", "brightness"}


def test_a_teacher_that_is_not_there_is_no_matter_of_a_traceback(tiny_run: dict[str, object]) -> None:
    settings = settings_of(tiny_run, OWN, {"evaluation": {"label_free": ["agreement"]}})
    with pytest.raises(InputError, match="'agreement', but the method has no other_network; leave it out, or let"):
        Run(settings)


def test_a_score_of_another_shape_is_named(tiny_run: dict[str, object]) -> None:
    settings = settings_of(tiny_run, OWN, {"evaluation": {"label_free": [named("misshapen")]}})
    with pytest.raises(InputError, match=r"misshapen' returned a tensor \[\], not one number a frame, a tensor \["):
        Run(settings).next_visit()
