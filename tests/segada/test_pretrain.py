"""Source training learns, and the shipped checkpoint is what the pages say."""

import copy
import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import segmentation_models_pytorch as smp
import torch
from rich.console import Console
from safetensors import safe_open
from safetensors.torch import load_file

from segada import evaluate
from segada.artifacts.run_files import damages, read_report, read_visits
from segada.cli.exit_codes import DONE
from segada.core.rng import torch_generator
from segada.data.batch import to_batch
from segada.engine.pretraining import halve, pretrain
from segada.engine.run_data import prepare_data
from segada.engine.runner import Run
from segada.evaluation.evaluator import score
from segada.metrics import iou_per_class
from segada.models.build import build_segmentor
from segada.pretrain import main, recipes
from segada.settings import RunSettings
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.files import load_run_settings

RAINS = ["25mm", "50mm", "75mm", "100mm", "200mm"]


PLAIN = {"jitter": 0.0, "jitter_probability": 0.0, "blur_probability": 0.0}
SMALL = {
    "data": {"size": [32, 64], "splits": {"source": 12, "adapt": 1, "val": 4, "test": 4}},
    "stream": {"split": "source", "visits": ["clear", "clear"], "frames": 8, "batch_size": 4},
    "method": {"name": "supervised", "optimizer": {"lr": 1e-3}},
    "evaluation": {"split": "val", "online": False},
}


def test_a_training_leaves_best_and_last_weights_and_says_iou_by_class(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    weights = pretrain(RunSettings.model_validate(SMALL), tmp_path, console, tags=["small"])
    best = json.loads((tmp_path / "best.json").read_text())
    report = json.loads((tmp_path / "report.json").read_text())
    assert weights == tmp_path / "weights.safetensors"
    assert best["miou"] == max(visit["miou"]["clear"] for visit in report["visits"])
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert (
        f"best visit {best['visit'] + 1}, mIoU {100 * best['miou']:.1f} % on val: {tmp_path / 'best.safetensors'}"
        in said
    )
    # Visits are counted from 1 in all lines, and from 0 in files.
    assert f"visit {len(report['visits'])}/{len(report['visits'])} clear" in said
    assert f"clear, visit {len(report['visits'])}" in said
    last = report["visits"][-1]
    for name, iou in last["iou"]["clear"].items():
        (row,) = [line for line in said.splitlines() if line.startswith(f"│ {name} ")]
        assert row.split("│")[-2].strip() == f"{100 * iou:.1f}"
    (mean,) = [line for line in said.splitlines() if line.startswith("│ mean ")]
    assert mean.split("│")[-2].strip() == f"{100 * last['miou']['clear']:.1f}"
    assert json.loads((tmp_path / "tags.json").read_text()) == ["small"]


def test_the_training_frames_are_scored_by_class_and_printed(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    pretrain(RunSettings.model_validate(SMALL), tmp_path, console)
    first, last = read_visits(tmp_path).value
    assert set(last.training_iou) == set(last.training_accuracy) > {"road", "sky"}
    for name, iou in last.training_iou.items():
        assert 0.0 <= iou <= last.training_accuracy[name] <= 1.0
    assert first.training_iou != last.training_iou
    said = console.file.getvalue()  # type: ignore[attr-defined]
    (head,) = [line for line in said.splitlines() if line.startswith("┃ class ")]
    place = [cell.strip() for cell in head.split("┃")].index("training, visit 2, accuracy")
    (row,) = [line for line in said.splitlines() if line.startswith("│ road ")]
    assert row.split("│")[place].strip() == f"{100 * last.training_accuracy['road']:.1f}"
    mean = sum(last.training_iou.values()) / len(last.training_iou)
    assert f"{100 * mean:.1f} % on the training frames" in said


def test_training_scores_are_those_of_the_frames_before_the_step(tmp_path: Path) -> None:
    """One step on all frames without augmentation: IoU and accuracy of the source model in training mode."""
    settings = RunSettings.model_validate(
        {
            **SMALL,
            "stream": {"split": "source", "visits": ["clear"], "frames": 12, "batch_size": 12, "replay": {"size": 12}},
            "method": {"name": "supervised", "crop": 1.0, "flip_probability": 0.0, "color": PLAIN},
            "model": {"drop_path": 0.0},
        }
    )
    run = Run(settings, prepare_data(settings), tmp_path)
    network = copy.deepcopy(run.network).train()
    record = run.next_visit()
    frames = prepare_data(settings).source
    batch = to_batch(frames, np.arange(12))
    with torch.no_grad():
        areas = score(network(batch.images), batch.labels).sum(axis=0)
    iou = dict(zip(settings.data.classes.names, iou_per_class(areas), strict=True))
    assert record.training_iou == pytest.approx(
        {name: value for name, value in iou.items() if value == value}, abs=0.01
    )


def test_nothing_is_chosen_by_the_frames_of_a_report(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    settings = RunSettings.model_validate({**SMALL, "evaluation": {"split": "test", "online": False}})
    pretrain(settings, tmp_path, console)
    assert "no best.safetensors: evaluation.split is test" in console.file.getvalue()  # type: ignore[attr-defined]
    assert not (tmp_path / "best.safetensors").exists()


def test_a_training_without_validation_scores_the_last_visit_alone_and_learns_the_same(tmp_path: Path) -> None:
    settings = RunSettings.model_validate(SMALL)
    whole = pretrain(settings, tmp_path / "whole")
    asked = iter((False, True))
    with pytest.raises(KeyboardInterrupt):
        pretrain(settings, tmp_path / "plain", asked_to_stop=lambda: next(asked), validate=False)
    console = Console(file=io.StringIO(), width=200)
    plain = pretrain(settings, tmp_path / "plain", console, validate=False)
    assert plain.read_bytes() == whole.read_bytes()
    assert not (tmp_path / "plain" / "best.safetensors").exists()
    first, last = read_visits(tmp_path / "plain").value
    assert first.miou == first.iou == {}
    assert last.miou == read_visits(tmp_path / "whole").value[-1].miou
    report = read_report(tmp_path / "plain").value
    assert report is not None
    assert report.mean_miou == last.visited_miou
    assert damages(tmp_path / "plain") == []
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "no best.safetensors: only the last visit was evaluated" in said
    assert "visit 0 (clear): not evaluated" in (tmp_path / "plain" / "log.txt").read_text()


def test_a_head_alone_is_trained_on_the_encoder_of_an_imagenet_file(tmp_path: Path) -> None:
    given = smp.encoders.get_encoder("mit_b0", weights=None).state_dict()
    # As published: an encoder, and a classifier of ImageNet's thousand classes.
    torch.save({**given, "head.weight": torch.zeros(1000, 256), "head.bias": torch.zeros(1000)}, tmp_path / "b0.pth")
    model = {"encoder": "mit_b0", "checkpoint": str(tmp_path / "b0.pth"), "freeze": "encoder", "reinitialize": ["head"]}
    settings = RunSettings.model_validate({**SMALL, "model": {**model, "head_width": 32}})
    trained = load_file(pretrain(settings, tmp_path / "run"))
    untrained = build_segmentor(settings.model, settings.adapter, torch_generator(0, "initialisation")).state_dict()
    encoder = [name for name in trained if name.startswith("encoder.")]
    assert len(encoder) == len(given)
    assert all(trained[name].equal(untrained[name]) for name in encoder)
    assert trained["encoder.stages.0.patch_embed.proj.weight"].equal(given["patch_embed1.proj.weight"])
    assert not trained["head.linear_pred.weight"].equal(untrained["head.linear_pred.weight"])


@pytest.mark.parametrize("arguments", [[], ["--set", "data.splits.source=30"]])
def test_debug_is_a_subset_of_the_frames_and_over_in_a_moment(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["pretrain", "--debug", "--set", "data.size=32,64", *arguments])
    assert main() == DONE
    report = json.loads((tmp_path / "runs" / "pretrain-debug" / "report.json").read_text())
    assert [visit["frames"] for visit in report["visits"]] == [8, 8, 8, 8]
    settings = load_run_settings(tmp_path / "runs" / "pretrain-debug" / "settings.yaml")
    assert settings.data.splits.source == (30 if arguments else 24)


def test_a_short_training_from_random_weights_learns_and_its_weights_load(tmp_path: Path) -> None:
    settings = RunSettings.model_validate(
        {
            "data": {"size": [32, 64], "splits": {"source": 200, "adapt": 1, "val": 16}},
            "stream": {"split": "source", "visits": ["clear"], "frames": None, "passes": 8, "batch_size": 8},
            "model": {"checkpoint": None},
            "method": {"name": "supervised"},
            "controller": {"name": "one_cycle"},
            "evaluation": {"split": "val", "online": False},
        }
    )
    weights = pretrain(settings, tmp_path / "run")
    halve(settings, weights, tmp_path / "half.safetensors")
    trained = settings.model_copy(
        update={"model": settings.model.model_copy(update={"checkpoint": str(tmp_path / "half.safetensors")})}
    )
    untrained, learned = prepare_data(settings).source_only["clear"], prepare_data(trained).source_only["clear"]
    assert untrained < 0.05
    # Seeds 0 to 4 gave 0.170 to 0.187.
    assert learned > 0.12


@pytest.fixture(scope="module")
def source_only() -> dict[str, float]:
    settings = RunSettings.model_validate(
        {"data": {"splits": {"source": 4, "test": 24}}, "stream": {"visits": ["clear", *RAINS], "frames": 1}}
    )
    return prepare_data(settings).source_only


def test_the_shipped_checkpoint_segments_clear_streets_and_fails_slowly_then_steeply(
    source_only: dict[str, float],
) -> None:
    assert source_only["clear"] > 0.5
    falling = [source_only[name] for name in ("clear", "75mm", "100mm", "200mm")]
    assert falling == sorted(falling, reverse=True)
    assert source_only["100mm"] > 0.65 * source_only["clear"]
    assert source_only["200mm"] < 0.55 * source_only["clear"]


def test_the_shipped_checkpoint_is_small_and_in_half_precision() -> None:
    path = find_checkpoint("streets_tiny")
    assert path.stat().st_size <= 2**20
    with safe_open(path, framework="pt") as file:
        assert str(file.get_tensor("head.linear_pred.weight").dtype) == "torch.float16"


@pytest.mark.slow
def test_the_recipe_on_photographs_reaches_what_its_page_says(
    camvid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGADA_CAMVID", str(camvid.resolve()))
    (recipe,) = [path for path in recipes() if path.stem == "pretrain_camvid"]
    pretrain(load_run_settings(recipe), tmp_path)
    best = json.loads((tmp_path / "best.json").read_text())
    # Seeds 0 to 2 gave 0.554, 0.521 and 0.525.
    assert best["miou"] > 0.5
    found = {}
    for name, views in (("plain", []), ("mirrored", ["--tta", "--scales", "1"])):
        told = ["--settings", str(tmp_path / "settings.yaml"), "--domains", "day", "--out", str(tmp_path / name)]
        monkeypatch.setattr(sys, "argv", ["evaluate", str(tmp_path / "best.safetensors"), *told, *views])
        assert evaluate.main() == DONE
        found[name] = json.loads((tmp_path / name / "evaluation.json").read_text())["domains"]["day"]["miou"]
    # The same seeds gave half a point more with the mirror.
    assert found["mirrored"] >= found["plain"] - 0.002
