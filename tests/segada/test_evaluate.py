"""Tests of `python -m segada.evaluate` against a plain computation; refusals; interruptions."""

import csv
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
import yaml
from loaded_frames import load_domain
from rich.console import Console
from safetensors.torch import load_file
from torch import Tensor
from torch.nn.functional import interpolate

from segada import evaluate
from segada.cli.exit_codes import DONE, INTERRUPTED, NO_ANSWER, WRONG_INPUT
from segada.data.datasets.registry import labelled_frames
from segada.engine.session import adapt
from segada.evaluation.areas import frame_areas
from segada.evaluation.class_scores import class_scores
from segada.evaluation.predictor import Predictor
from segada.models.build import build_segmentor
from segada.models.segmentor import Segmentor
from segada.models.weights import save_weights
from segada.settings import RunSettings
from segada.settings.data import DataSettings

TINY = {"data": {"size": [32, 64], "splits": {"source": 8, "adapt": 8, "val": 4, "test": 5}}}
SETTINGS = RunSettings.model_validate(TINY)
Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))

    def command(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["evaluate", *arguments])
        return evaluate.main()

    return command


@pytest.fixture
def photographs(camvid: Path) -> Path:
    """Returns the folder of the photographs, before a test changes the working folder."""
    return camvid.resolve()


def network(**model: object) -> Segmentor:
    settings = RunSettings.model_validate({"model": model})
    return build_segmentor(settings.model, settings.adapter, torch.Generator().manual_seed(0)).eval()


def plain_scores(predict: Callable[[Tensor], Tensor], domain: str, split: str = "test") -> dict[str, object]:
    """Returns scores of the argmax, computed plainly."""
    frames = load_domain(domain, SETTINGS.data, split)  # type: ignore[arg-type]
    images = torch.tensor(frames.images).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        values = predict(images)
    found = class_scores(frame_areas(values.argmax(1), torch.tensor(frames.labels), 19).sum(0).numpy())
    return {"miou": found.miou, "miou_mmseg": found.miou_mmseg, "macc": found.macc, "aacc": found.aacc}


def enlarged(logits: Tensor) -> Tensor:
    return interpolate(logits, size=(32, 64), mode="bilinear")


def written(folder: Path) -> dict[str, dict[str, object]]:
    domains: dict[str, dict[str, object]] = json.loads((folder / "evaluation.json").read_text())["domains"]
    return domains


A_PIXEL = 2e-3
"""Tolerance of a score, since rounding may assign one pixel on an edge, of some ten thousand, to the other class."""


def assert_scores(record: dict[str, object], wanted: dict[str, object]) -> None:
    close = {name: pytest.approx(score, abs=A_PIXEL) for name, score in wanted.items()}
    assert {name: record[name] for name in wanted} == close


def test_a_shipped_checkpoint_scores_what_plain_computation_says(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("streets_tiny", "--settings", "tiny.yaml", "--domains", "clear", "night", "--out", "out") == DONE

    assert list(written(tmp_path / "out")) == ["clear", "night"]
    for domain, record in written(tmp_path / "out").items():
        assert_scores(record, plain_scores(lambda images: enlarged(network()(images)), domain))
        assert (record["frames"], record["pixels"]) == (5, 5 * 32 * 64)
    rows = list(csv.DictReader((tmp_path / "out" / "evaluation.csv").read_text().splitlines()))
    assert [row["domain"] for row in rows] == ["clear", "night"]
    assert float(rows[0]["mIoU"]) == written(tmp_path / "out")["clear"]["miou"]
    assert float(rows[0]["IoU/road"]) == written(tmp_path / "out")["clear"]["iou"]["road"]  # type: ignore[index]
    shown = capsys.readouterr().out
    assert "clear: 5 frames, in percent" in shown
    assert "mIoU_mmseg" in shown
    assert "results in out" in shown


def test_another_split_is_scored_on_request(run: Run, tmp_path: Path) -> None:
    options = ["--settings", "tiny.yaml", "--domains", "clear", "--split", "source", "--out", "out"]
    assert run("streets_tiny", *options) == DONE

    wanted = plain_scores(lambda images: enlarged(network()(images)), "clear", "source")
    assert_scores(written(tmp_path / "out")["clear"], wanted)


@pytest.mark.parametrize("statistics", ["follow", "mixed"])
def test_a_run_brings_its_settings_with_adapters_and_its_own_scores_come_back(
    statistics: str, run: Run, tmp_path: Path
) -> None:
    settings = RunSettings.model_validate(
        {
            **TINY,
            "stream": {"visits": ["200mm"], "frames": 4, "replay": {"size": 8}},
            "adapter": {"name": "lora"},
            "method": {"name": "dacs", "batch_norm": {"statistics": statistics, "source_prior": 0.5}},
            "evaluation": {"split": "val", "domains": ["clear", "200mm"]},
        }
    )
    report = adapt(settings, tmp_path / "run", Console(quiet=True))

    copy = (tmp_path / "run" / "weights.safetensors").read_bytes()
    (tmp_path / "run" / "best.safetensors").write_bytes(copy)
    for given, out in (("run", "one"), ("run/weights.safetensors", "two"), ("run/best.safetensors", "three")):
        assert run(given, "--split", "val", "--out", out) == DONE
        found = {name: record["miou"] for name, record in written(tmp_path / out).items()}
        assert found == pytest.approx(report.visits[-1].miou, abs=A_PIXEL)


def test_checkpoints_of_other_shapes_vote_and_say_themselves_what_they_are(run: Run, tmp_path: Path) -> None:
    other = network(encoder="mit_b0", head="multi_exit", head_width=8, checkpoint=None)
    save_weights(other, tmp_path / "other.safetensors", "none")

    options = ["--settings", "tiny.yaml", "--domains", "clear", "--save", "soft", "labels", "--out", "out"]
    assert run("streets_tiny", "other.safetensors", *options) == DONE

    def mean(images: Tensor) -> Tensor:
        return (enlarged(network()(images)).softmax(1) + enlarged(other(images)).softmax(1)) / 2

    assert_scores(written(tmp_path / "out")["clear"], plain_scores(mean, "clear"))
    images = torch.tensor(load_domain("clear", SETTINGS.data, "test").images).permute(0, 3, 1, 2) / 255
    with torch.inference_mode():
        wanted = mean(images)
    for number in range(5):
        soft = load_file(tmp_path / f"out/soft/clear/test_{number:06d}.safetensors")["probabilities"]
        torch.testing.assert_close(soft.float(), wanted[number], atol=1e-3, rtol=1e-3)
        labels = cv2.imread(str(tmp_path / f"out/labels/clear/test_{number:06d}.png"), cv2.IMREAD_UNCHANGED)
        assert np.mean(labels != wanted[number].argmax(0).numpy()) < 0.001


def test_test_time_augmentation_and_windows_are_what_they_are_by_hand(run: Run, tmp_path: Path) -> None:
    options = ["--settings", "tiny.yaml", "--domains", "clear", "--out"]
    assert run("streets_tiny", *options, "augmented", "--tta", "--scales", "1", "1.5") == DONE
    assert run("streets_tiny", *options, "slid", "--slide", "32", "--stride", "32x16") == DONE

    tiny = network()

    def augmented(images: Tensor) -> Tensor:
        larger = interpolate(images, size=(48, 96), mode="bilinear")
        mean = torch.tensor([0.485, 0.456, 0.406])[:, None, None].expand(len(images), 3, 16, 96)
        logits = []
        for turn in (lambda maps: maps, lambda maps: maps.flip(-1)):
            logits += [turn(tiny(turn(images))), turn(tiny(torch.cat([turn(larger), mean], dim=2))[:, :, :12])]
        return torch.stack([enlarged(part).softmax(1) for part in logits]).mean(0)

    def slid(images: Tensor) -> Tensor:
        total, counts = torch.zeros(len(images), 19, 32, 64), torch.zeros(64)
        for left in (0, 16, 32):
            window = images[..., left : left + 32]
            total[..., left : left + 32] += interpolate(tiny(window), size=(32, 32), mode="bilinear")
            counts[left : left + 32] += 1
        return total / counts

    assert_scores(written(tmp_path / "augmented")["clear"], plain_scores(augmented, "clear"))
    assert_scores(written(tmp_path / "slid")["clear"], plain_scores(slid, "clear"))


def test_neither_the_batch_size_nor_what_is_kept_changes_a_score(run: Run, tmp_path: Path) -> None:
    options = ["--settings", "tiny.yaml", "--domains", "clear", "--out"]
    ways = {"one": ["--batch-size", "1"], "three": ["--batch-size", "3"], "kept": ["--save", "soft", "overlays"]}
    for out, way in ways.items():
        assert run("streets_tiny", *options, out, *way) == DONE
    one, *others = (written(tmp_path / out)["clear"] for out in ways)
    for other in others:
        assert other["pixels"] == one["pixels"]
        assert_scores(other, {name: one[name] for name in ("miou", "macc", "aacc")})
    assert len(list((tmp_path / "kept" / "overlays" / "clear").iterdir())) == 5


def _at_batch(monkeypatch: pytest.MonkeyPatch, number: int, happens: Callable[[], None]) -> list[int]:
    """Calls a function at the beginning of each batch; the list grows by the number of its frames."""
    sizes: list[int] = []
    predict = Predictor.__call__

    def disturbed(self: Predictor, frames: Sequence[object]) -> object:
        if len(sizes) == number:
            happens()
        sizes.append(len(frames))
        return predict(self, frames)  # type: ignore[arg-type]

    monkeypatch.setattr(Predictor, "__call__", disturbed)
    return sizes


@pytest.mark.parametrize("times", [1, 2])
def test_what_was_finished_before_an_interruption_is_not_done_again(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], times: int
) -> None:
    options = ["--settings", "tiny.yaml", "--domains", "clear", "night", "--batch-size", "2", "--out", "out"]

    def press() -> None:
        for _ in range(times):
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch:
        _at_batch(patch, 4, press)
        assert run("streets_tiny", *options) == INTERRUPTED
    said = capfd.readouterr().err
    assert "stopping as soon as the frames that are being predicted are done; once more stops at once" in said
    assert said.splitlines()[-1].startswith("interrupted; finished domains are kept. To go on: python ")
    assert list(written(tmp_path / "out")) == ["clear"]

    sizes = _at_batch(monkeypatch, -1, press)
    assert run("streets_tiny", *options) == DONE
    assert sum(sizes) == 5
    assert "1 of 2 domains are done, in out" in capfd.readouterr().out
    for domain, record in written(tmp_path / "out").items():
        assert_scores(record, plain_scores(lambda images: enlarged(network()(images)), domain))

    # What is to be kept as well was not kept before.
    assert run("streets_tiny", *options, "--save", "labels") == DONE
    assert sum(sizes) == 15
    assert run("streets_tiny", *options) == DONE
    assert sum(sizes) == 15


def test_another_evaluation_is_not_written_over(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--settings", "tiny.yaml", "--domains", "clear", "--out", "out"]
    assert run("streets_tiny", *options) == DONE
    before = (tmp_path / "out" / "evaluation.json").read_bytes()
    refused = (
        (["streets_tiny", *options, "--tta", "--no-flip", "--scales", "1"], DONE, ""),
        (
            ["streets_tiny", *options, "--tta", "--scales", "1"],
            WRONG_INPUT,
            "an evaluation of other networks or with another protocol",
        ),
        (
            ["streets_tiny_multi_exit", *options],
            WRONG_INPUT,
            "an evaluation of other networks or with another protocol",
        ),
        (["streets_tiny", *options, "--set", "data.splits.test=3"], WRONG_INPUT, "'clear' with other settings"),
        (
            ["streets_tiny", *options, "--set", "data.domains.clear={dataset: streets, world: 1}"],
            WRONG_INPUT,
            "'clear' with other settings",
        ),
    )
    for arguments, code, said in refused:
        assert run(*arguments) == code
        assert said in capsys.readouterr().err
    assert (tmp_path / "out" / "evaluation.json").read_bytes() == before
    (tmp_path / "out" / "evaluation.json").write_text("{}")
    assert run("streets_tiny", *options) == WRONG_INPUT
    assert "is not an evaluation of segada" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere"], "CHECKPOINT: no shipped checkpoint is called 'nowhere'"),
        (["gone.safetensors"], "CHECKPOINT: there is no file gone.safetensors"),
        (["streets_tiny", "--domains", "claer"], "--domains claer: data.domains has no such name; did you mean clear"),
        (["streets_tiny", "--settings", "gone.yaml"], "gone.yaml: cannot be read"),
        (
            ["streets_tiny", "--set", "data.size=[16, 64]"],
            "error: data.size is 16 x 64, but every network needs at least 32 pixels",
        ),
        (["streets_tiny", "--tta"], "--tta: scale 0.5 makes images of 32 x 64 smaller than 32 pixels"),
        (["streets_tiny", "--tta", "--scales", "0.5"], "--scales: scale 0.5 makes images of 32 x 64 smaller"),
        (["streets_tiny", "--tta", "--scales", "0"], "--scales 0: must be above 0"),
        (["streets_tiny", "--scales", "1"], "--scales: requires --tta"),
        (["streets_tiny", "--no-flip"], "--no-flip: requires --tta"),
        (["streets_tiny", "--stride", "32"], "--stride 32: requires --slide"),
        (["streets_tiny", "--slide", "32", "--stride", "32x33"], "--stride 32x33: leaves gaps between windows"),
        (["streets_tiny", "--slide", "16"], "--slide 16: a window must have at least 32 pixels"),
        (["streets_tiny", "--slide", "0x32"], "--slide 0x32: must be pixels"),
        (["streets_tiny", "--batch-size", "0"], "--batch-size must be between 1 and 1000000, but is 0"),
        (["streets_tiny", "--set", "model.checkpoint=x"], "--set model.checkpoint: name the checkpoint before"),
        (["streets_tiny", "--set", "method.name=tent"], "--set method.name: an evaluation reads only data, model"),
        (["streets_tiny", "--set", "model.head_width=8"], "model.head_width 64, but the settings ask for 8"),
        (["streets_tiny", "--set", "runtime.device=cuda"], "torch finds no GPU here"),
        (["streets_tiny", "--set", "data.domains={a: {dataset: camvid}}"], "domain 'a': the data set camvid needs a"),
        (["streets_tiny", "--out", "tiny.yaml"], "--out tiny.yaml: tiny.yaml is no folder"),
        (["unfinished"], "unfinished: the run has no weights.safetensors yet; finish it with"),
    ],
)
def test_what_a_person_gets_wrong_is_said_in_one_line_and_leaves_nothing(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (tmp_path / "unfinished").mkdir()
    (tmp_path / "unfinished" / "settings.yaml").write_text(yaml.safe_dump(TINY))
    before = sorted(tmp_path.rglob("*"))
    settings = [] if "--settings" in arguments else ["--settings", "tiny.yaml"]

    assert run(*arguments, *settings) == WRONG_INPUT

    error = capsys.readouterr().err
    assert said in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert sorted(tmp_path.rglob("*")) == before


def test_runs_on_different_frames_do_not_vote_unless_it_is_said_on_which(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, size in (("one", 32), ("other", 48)):
        save_weights(network(), tmp_path / name / "weights.safetensors", "none")
        (tmp_path / name / "settings.yaml").write_text(yaml.safe_dump({"data": {**TINY["data"], "size": [size, 64]}}))

    assert run("one", "other", "--domains", "clear", "--out", "out") == WRONG_INPUT
    assert "one and other are runs on different frames (data); name the frames" in capsys.readouterr().err
    assert run("one", "other", "--settings", "tiny.yaml", "--domains", "clear", "--out", "out") == DONE
    wanted = plain_scores(lambda images: enlarged(network()(images)), "clear")
    assert_scores(written(tmp_path / "out")["clear"], wanted)


def test_how_a_run_learned_does_not_bind_its_evaluation(run: Run, tmp_path: Path) -> None:
    learning = {
        "model": {"freeze": "everything"},
        "method": {"name": "supervised", "window": {"size": [32, 64]}, "light_weight": 0.0},
        "controller": {"name": "one_cycle"},
        "evaluation": {"split": "val", "domains": ["clear", "night"]},
        "stream": {"visits": ["night"], "source": "clear"},
    }
    save_weights(network(), tmp_path / "trained" / "weights.safetensors", "none")
    (tmp_path / "trained" / "settings.yaml").write_text(yaml.safe_dump({**learning, **TINY}))

    # Frames of another size than its windows, and a network of which nothing would learn.
    assert run("trained", "--set", "data.size=[32, 48]", "--out", "out") == DONE
    assert list(written(tmp_path / "out")) == ["clear", "night"]
    (tmp_path / "typo.yaml").write_text(yaml.safe_dump({**TINY, "modle": {}}))
    assert run("streets_tiny", "--settings", "typo.yaml") == WRONG_INPUT


def test_settings_of_domains_alone_are_enough(run: Run, tmp_path: Path) -> None:
    domains = "data.domains={wet: {dataset: streets, weather: 100mm}, dark: {dataset: streets, weather: night}}"
    size, splits = "data.size=[32, 64]", "data.splits.test=2"
    assert run("streets_tiny", "--set", domains, "--set", size, "--set", splits, "--out", "out") == DONE
    assert list(written(tmp_path / "out")) == ["wet", "dark"]


def test_labels_keep_the_size_of_their_files_and_a_damaged_frame_is_left_out(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    generator = np.random.default_rng(0)
    for part in ("train", "val"):
        for number in range(4):
            for folder, high, shape in ((part, 256, (50, 80, 3)), (f"{part}annot", 12, (50, 80))):
                (tmp_path / folder).mkdir(exist_ok=True)
                pixels = generator.integers(0, high, shape, dtype=np.uint8)
                cv2.imwrite(str(tmp_path / folder / f"0001TP_{number:06d}.png"), pixels)
    (tmp_path / "val" / "0001TP_000003.png").write_bytes(b"not a picture")
    (tmp_path / "val" / "stray.jpg").touch()
    data = {"size": [32, 64], "root": ".", "domains": {"day": {"dataset": "camvid"}}}
    (tmp_path / "camvid.yaml").write_text(yaml.safe_dump({"data": data}))
    options = ["--settings", "camvid.yaml", "--save", "labels", "--out", "out"]

    assert run("streets_tiny", *options, "--set", "data.loading.unreadable_share=0.5") == DONE

    (frame,) = labelled_frames(
        "day", DataSettings.model_validate({**data, "loading": {"unreadable_share": 0.5}}), "test"
    )
    with torch.inference_mode():
        logits = network()(torch.tensor(frame.image)[None].permute(0, 3, 1, 2) / 255)
    predicted = interpolate(logits, size=(50, 80), mode="bilinear").argmax(1)
    wanted = class_scores(frame_areas(predicted, torch.tensor(frame.labels)[None], 19)[0].numpy())
    record = written(tmp_path / "out")["day"]
    assert_scores(record, {"miou": wanted.miou, "miou_mmseg": wanted.miou_mmseg, "aacc": wanted.aacc})
    assert (record["frames"], record["unreadable"], record["pixels"]) == (1, 1, int((frame.labels != 255).sum()))
    assert record["left_out"] == {"pictures that match no pattern": 1}
    assert "domain day: pictures that match no pattern: 1 (val/stray.jpg)" in capsys.readouterr().out
    assert cv2.imread(str(tmp_path / f"out/labels/day/{frame.name}.png"), cv2.IMREAD_UNCHANGED).shape == (50, 80)


def test_where_nothing_can_be_scored_and_nothing_was_exported_there_is_no_answer(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    unlabelled = 11
    for part in ("train", "val"):
        for number in range(2):
            for folder, pixels in (
                (part, np.full((50, 80, 3), number)),
                (f"{part}annot", np.full((50, 80), unlabelled)),
            ):
                (tmp_path / folder).mkdir(exist_ok=True)
                cv2.imwrite(str(tmp_path / folder / f"0001TP_{number:06d}.png"), pixels.astype(np.uint8))
    data = {"size": [32, 64], "root": ".", "domains": {"day": {"dataset": "camvid"}}}
    (tmp_path / "camvid.yaml").write_text(yaml.safe_dump({"data": data}))
    words = ("streets_tiny", "--settings", "camvid.yaml")
    for _ in range(2):
        assert run(*words, "--out", "out") == NO_ANSWER
        assert "no answer: no frame has a label in day (exit code 4)" in capsys.readouterr().err
    assert run(*words, "--save", "labels", "--out", "kept") == DONE


def test_photographs_are_scored_on_the_classes_that_their_labels_know(
    photographs: Path, run: Run, tmp_path: Path
) -> None:
    domain = {"dataset": "camvid", "root": str(photographs), "sequences": ["0016E5"]}
    data = {"size": [48, 64], "domains": {"day": domain}, "splits": {"test": 3}}
    (tmp_path / "camvid.yaml").write_text(yaml.safe_dump({"data": data}))

    assert run("streets_tiny", "--settings", "camvid.yaml", "--save", "labels", "--out", "out") == DONE

    record = written(tmp_path / "out")["day"]
    iou = record["iou"]
    assert isinstance(iou, dict)
    assert 5 <= len(iou) <= 11
    assert {"road", "sky", "building"} <= set(iou)
    assert record["miou"] == pytest.approx(np.mean(list(iou.values())))
    assert isinstance(record["miou"], float)
    assert isinstance(record["miou_mmseg"], float)
    assert record["miou_mmseg"] <= record["miou"]
    assert len(list((tmp_path / "out" / "labels").rglob("*.png"))) == record["frames"] == 3
