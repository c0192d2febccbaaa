"""Tests that the shipped recipes run: their methods and controllers on small procedural frames."""

from importlib import resources
from pathlib import Path

import pytest
from recipe_sections import recipe_section

from segada.engine.runner import Run
from segada.settings import RunSettings
from segada.settings.files import load_run_settings

ADAPTING = ("cotta_acdc", "dacs_gta", "daformer_gta", "hamlet_rain", "tent_acdc")
SMALL: dict[str, dict[str, object]] = {
    "cotta_acdc": {"scales": [1.5]},
    "dacs_gta": {"window": {"size": [32, 32], "class_share": 1.0}, "optimizer": {"algorithm": "sgd"}},
    "daformer_gta": {"window": {"size": [32, 32]}, "reference_checkpoint": None},
    "hamlet_rain": {"window": {"size": [32, 32]}},
    "tent_acdc": {},
}
"""What depends on the size of the frames, and on the network."""
HEADS = {"daformer_gta": "daformer", "hamlet_rain": "multi_exit"}


@pytest.mark.parametrize("name", ADAPTING)
def test_its_method_and_controller_run(name: str, tiny_run: dict[str, object], tmp_path: Path) -> None:
    replay = {"size": 8, "policy": "rare_class", "min_pixels": 5}
    changes = {
        "method": {**recipe_section(name, "method"), **SMALL[name]},
        "controller": recipe_section(name, "controller"),
        "evaluation": {"online": True},
        "model": {"head": HEADS.get(name, "segformer"), "checkpoint": None},
        "stream": {"visits": ["clear", "200mm"], "frames": 4, "batch_size": 2, "replay": replay},
    }
    run = Run(RunSettings.model_validate({**tiny_run, **changes}), out=tmp_path / name)
    visits = list(run)
    assert [visit.domain for visit in visits] == ["clear", "200mm"]
    # Hamlet waits for a jump, which is not seen within a window of 75 frames.
    assert any(visit.losses for visit in visits) == (name != "hamlet_rain")


def test_each_recipe_says_what_differs_and_how_to_run_it() -> None:
    for name in ADAPTING:
        text = (resources.files("segada") / "recipes" / f"{name}.yaml").read_text()
        assert "# Different here" in text
        assert f"python -m segada.adapt segada/recipes/{name}.yaml" in text


@pytest.mark.parametrize(
    ("name", "visits", "steps"),
    [
        # Ten rounds over four conditions of 400 frames.
        ("cotta_acdc", 40, 16_000),
        ("tent_acdc", 40, 16_000),
        # 250,000 and 40,000 steps of two frames, in whole passes over the 2975.
        ("dacs_gta", 1, 249_900),
        ("daformer_gta", 1, 40_162),
        # Six domains and back, three passes over 2975 frames in each.
        ("hamlet_rain", 11, 98_175),
    ],
)
def test_its_stream_has_the_published_number_of_steps(name: str, visits: int, steps: int) -> None:
    settings = load_run_settings(str(resources.files("segada") / "recipes" / f"{name}.yaml"))
    stream = settings.stream
    assert len(stream.all_visits()) == visits
    frames = 400 if stream.rounds > 1 else settings.data.splits.adapt
    assert visits * stream.passes * frames == pytest.approx(steps * stream.batch_size, abs=stream.batch_size)
