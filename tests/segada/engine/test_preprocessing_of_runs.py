"""A run keeps the preprocessing of its source model: in its network, its weights, and when it is resumed."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open

from segada.engine.pretraining import halve
from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.evaluation.checkpoints import find_models
from segada.models.build import build_segmentor
from segada.models.formats.reading import read_weights
from segada.models.formats.writing import write_hugging_face
from segada.models.learning import source_copy
from segada.models.preprocessing import IMAGENET, Preprocessing
from segada.settings import RunSettings
from segada.settings.adapter import NoAdapter
from segada.settings.checkpoint_path import find_checkpoint

HALF = Preprocessing((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
STATED = {"preprocessing": {"mean": [0.5] * 3, "std": [0.5] * 3, "channel_order": "rgb"}}


def source(folder: Path, preprocessing: Preprocessing = HALF) -> Path:
    """A folder of transformers with the shipped weights and a preprocessing of its own."""
    stored = read_weights(find_checkpoint("streets_tiny"), preprocessing=preprocessing)
    write_hugging_face(stored, folder, {})
    return folder


def settings(tiny_run: dict[str, object], checkpoint: Path | str, **model: object) -> RunSettings:
    changes = {
        "model": {"checkpoint": str(checkpoint), **model},
        "logging": {"best_weights": True},
        "evaluation": {"split": "val", "online": False},
    }
    return RunSettings.model_validate({**tiny_run, **changes})


def facts(path: Path) -> dict[str, object]:
    with safe_open(path, framework="pt") as file:
        return dict(json.loads(file.metadata()["segada"]))


def test_a_run_and_all_that_it_writes_keep_the_checkpoint_s_preprocessing(
    tiny_run: dict[str, object], tmp_path: Path
) -> None:
    wanted = settings(tiny_run, source(tmp_path / "hf"))
    run_data = prepare_data(wanted)
    run = Run(wanted, run_data, tmp_path / "run")
    assert run.network.preprocessing == source_copy(run.network).preprocessing == HALF
    for _ in run:
        pass
    words = "mean 0.5 0.5 0.5, standard deviation 0.5 0.5 0.5 (preprocessor_config.json)"
    assert words in (tmp_path / "run" / "log.txt").read_text()
    halve(wanted, tmp_path / "run" / "weights.safetensors", tmp_path / "half.safetensors")
    for path in (tmp_path / "run" / "weights.safetensors", tmp_path / "run" / "best.safetensors"):
        assert {**facts(path), **STATED} == facts(path)
    assert facts(tmp_path / "half.safetensors")["preprocessing"] == STATED["preprocessing"]
    for given in (tmp_path / "run", tmp_path / "half.safetensors", tmp_path / "hf"):
        (model,) = find_models([str(given)], None, {})
        assert model.network()["preprocessing"] == STATED["preprocessing"]
        assert model.built(torch.device("cpu")).preprocessing == HALF
    # The same weights, read by ImageNet's preprocessing, are another source model.
    assert run_data.source_only != prepare_data(settings(tiny_run, "streets_tiny")).source_only


def test_a_run_is_not_continued_with_another_preprocessing(tiny_run: dict[str, object], tmp_path: Path) -> None:
    wanted = settings(tiny_run, source(tmp_path / "hf"))
    run_data = prepare_data(wanted)
    Run(wanted, run_data, tmp_path / "run").next_visit()
    assert Run(wanted, run_data, tmp_path / "run").visits_done == 1
    (tmp_path / "hf" / "preprocessor_config.json").unlink()
    with pytest.raises(ValueError, match=r"began with pixels as RGB .*mean 0\.5 .* continue with RGB .*mean 0\.485"):
        Run(wanted, run_data, tmp_path / "run")


def test_what_a_run_writes_with_imagenet_s_says_nothing_of_it(tiny_run: dict[str, object], tmp_path: Path) -> None:
    wanted = settings(tiny_run, "streets_tiny")
    run = Run(wanted, out=tmp_path / "run")
    for _ in run:
        pass
    assert run.network.preprocessing == IMAGENET
    assert facts(tmp_path / "run" / "weights.safetensors").keys() == {
        "encoder",
        "head",
        "width",
        "classes",
        "class_names",
        "settings_hash",
    }
    assert "preprocessing" not in run._state()
    (model,) = find_models(["streets_tiny"], None, {})
    assert model.network().keys() == {"encoder", "head", "head_width"}


def test_settings_go_before_the_checkpoint(tiny_run: dict[str, object], tmp_path: Path) -> None:
    given = {"mean": [127.5] * 3, "std": [127.5] * 3, "max_pixel_value": 255}
    generator = torch.Generator()
    for checkpoint in (source(tmp_path / "hf", IMAGENET), "streets_tiny"):
        own = settings(tiny_run, checkpoint, preprocessing=given)
        network = build_segmentor(own.model, NoAdapter(), generator)
        assert network.preprocessing == HALF
        assert "(given in model.preprocessing)" in network.origin
        assert own.settings_hash() != settings(tiny_run, checkpoint).settings_hash()
    random = RunSettings.model_validate({"model": {"checkpoint": None, "preprocessing": given}}).model
    assert build_segmentor(random, NoAdapter(), generator).preprocessing == HALF
    (model,) = find_models(["streets_tiny"], None, {"model.preprocessing": given})  # type: ignore[dict-item]
    assert model.built(torch.device("cpu")).preprocessing == HALF


def test_settings_that_are_newer_leave_the_hashes_of_former_runs() -> None:
    assert RunSettings().settings_hash() == "119de94bf1"
    own = {"dataset": "folders", "images": "a/*.png", "labels": "b/*.png", "classes": {"road": [1]}}
    former = {
        "method": {"name": "supervised"},
        "data": {"domains": {"a": own}},
        "stream": {"source": "a", "visits": ["a"]},
    }
    assert RunSettings.model_validate(former).settings_hash() == "3a381db024"
    assert RunSettings.model_validate({**former, "model": {"class_match": "name"}}).settings_hash() != "3a381db024"


def test_a_mean_above_white_is_refused() -> None:
    with pytest.raises(ValueError, match=r"mean is \[123\.675.*max_pixel_value is 1, and no mean is above white; set"):
        RunSettings.model_validate(
            {"model": {"preprocessing": {"mean": [123.675, 116.28, 103.53], "std": [58, 57, 57]}}}
        )
    with pytest.raises(ValueError, match=r"preprocessing\.std"):
        RunSettings.model_validate({"model": {"preprocessing": {"mean": [0.5, 0.5, 0.5]}}})
