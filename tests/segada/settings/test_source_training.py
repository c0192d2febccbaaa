"""Settings that the training of a source model inherits from the runs, and those it does not."""

import pytest

from segada.settings import RunSettings
from segada.settings.nested import Tree
from segada.settings.source_training import source_training

RUN: Tree = {
    "stream": {"visits": ["clear", "25mm"], "route": "forward_and_back", "rounds": 3, "batch_size": 2},
    "method": {"name": "dacs", "pseudo_threshold": 0.9},
}


@pytest.mark.parametrize(
    ("stream", "visits"),
    [
        ({"visits": ["clear"]}, ("clear",)),
        ({"visits": ["clear"], "rounds": 2}, ("clear", "clear")),
        ({"visits": ["clear", "night"], "route": "forward_and_back"}, ("clear", "night", "clear")),
        ({"frames": None}, ("clear", "25mm", "clear") * 3),
    ],
)
def test_visits_of_its_own_are_driven_as_it_says_and_not_as_the_runs_are(stream: Tree, visits: tuple[str, ...]) -> None:
    tree = source_training(RUN, {"stream": stream, "method": {"name": "supervised"}})
    settings = RunSettings.model_validate(tree)
    assert settings.stream.all_visits() == visits
    assert settings.stream.batch_size == 2
    assert settings.method.name == "supervised"


def test_a_preset_of_the_training_wins_over_the_runs() -> None:
    run: Tree = {"model": {"freeze": "nothing"}, "adapter": {"name": "none"}}
    settings = RunSettings.model_validate(source_training(run, {"preset": "adpt1", "method": {"name": "supervised"}}))
    assert (settings.model.freeze, settings.adapter.name) == ("encoder", "adaptformer")
