"""Tests of the best visit's weights: the right ones after any interruption, and never selected on test frames."""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from segada.artifacts.run_dir import RunDir
from segada.engine.best_checkpoint import BestCheckpoint
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.models.build import build_segmentor
from segada.records import BestRecord, VisitRecord
from segada.settings import RunSettings

BEST = ("best.safetensors", "best.json")


@pytest.fixture(scope="module")
def settings(tiny_run: dict[str, object]) -> RunSettings:
    stream = {**tiny_run["stream"], "visits": ["clear"] * 4, "frames": 4}  # type: ignore[dict-item]
    # Ever faster until it ruins the network: each of six seeds ended at two thirds of its best score or less, so
    # that which visits are good is no matter of rounding.
    method = {"name": "supervised", "optimizer": {"lr": 5e-2}}
    return RunSettings.model_validate(
        {
            **tiny_run,
            "stream": stream,
            "logging": {"best_weights": True},
            "method": method,
            "controller": {"name": "one_cycle", "warm_up": 0.9},
            "seed": 3,
        }
    )


@pytest.fixture(scope="module")
def run_data(settings: RunSettings) -> RunData:
    return prepare_data(settings)


@pytest.fixture(scope="module")
def control(settings: RunSettings, run_data: RunData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("control")
    run = Run(settings, run_data, folder)
    while not run.finished:
        run.next_visit()
        run.save_weights(folder / "after" / f"{run.visits_done - 1}.safetensors")
    return folder


def _bytes(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in BEST]


def test_the_best_visit_s_weights_are_left_and_said(control: Path, settings: RunSettings) -> None:
    mious = [json.loads(line)["miou"]["clear"] for line in (control / "visits.jsonl").read_text().splitlines()]
    best = mious.index(max(mious))
    assert best < len(mious) - 1
    said = json.loads((control / "best.json").read_text())
    assert said == {"visit": best, "domain": "clear", "miou": mious[best], "settings_hash": settings.settings_hash()}
    assert (control / "best.safetensors").read_bytes() == (control / "after" / f"{best}.safetensors").read_bytes()
    assert (control / "best.safetensors").read_bytes() != (control / "weights.safetensors").read_bytes()


@pytest.mark.parametrize("stops", [(1,), (2, 3)])
def test_a_killed_run_ends_with_the_same_bytes(
    stops: tuple[int, ...], settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    for stop in (*stops, 4):
        run = Run(settings, run_data, tmp_path)
        while run.visits_done < stop:
            run.next_visit()
    assert _bytes(tmp_path) == _bytes(control)


@pytest.mark.parametrize("damaged", [*BEST, "checkpoint/state.pt"])
def test_damage_is_repaired_when_the_run_goes_on(
    damaged: str, settings: RunSettings, run_data: RunData, control: Path, tmp_path: Path
) -> None:
    run = Run(settings, run_data, tmp_path)
    while not run.finished:
        run.next_visit()
    (tmp_path / damaged).write_bytes(b"not what it was")
    run = Run(settings, run_data, tmp_path)
    while not run.finished:
        run.next_visit()
    assert _bytes(tmp_path) == _bytes(control)


def test_keeping_the_best_changes_nothing_else(tiny_run: dict[str, object], tmp_path: Path) -> None:
    # Of a teacher, whose parameters are never learned from: keeping a copy must not touch it.
    plain = RunSettings.model_validate(tiny_run)
    run_data, left = prepare_data(plain), {}
    for asked in (True, False):
        logging = plain.logging.model_copy(update={"best_weights": asked})
        run = Run(plain.model_copy(update={"logging": logging}), run_data, tmp_path / str(asked))
        while not run.finished:
            run.next_visit()
        left[asked] = (tmp_path / str(asked) / "weights.safetensors").read_bytes()
    assert left[True] == left[False]
    assert (tmp_path / "True" / "best.safetensors").exists()
    assert not (tmp_path / "False" / "best.safetensors").exists()
    assert not (tmp_path / "False" / "best.json").exists()


def _record(visit: int, **miou: float) -> VisitRecord:
    return VisitRecord(
        visit=visit,
        domain="clear",
        frames=1,
        miou=miou,
        iou={},
        online_miou=None,
        label_free={},
        losses={},
        seconds=1.0,
        frames_per_second=1.0,
    )


def test_the_mean_over_domains_decides_and_the_first_of_equals_stays(tmp_path: Path) -> None:
    settings = RunSettings.model_validate(
        {"logging": {"best_weights": True}, "evaluation": {"split": "val"}, "model": {"freeze": "encoder"}}
    )
    network = build_segmentor(settings.model, settings.adapter, torch.Generator())
    learning = [name for name, parameter in network.named_parameters() if parameter.requires_grad]
    best, folder = BestCheckpoint(settings, learning), RunDir(tmp_path)
    scores = [
        {"clear": 0.5, "rain": 0.1},
        {"clear": 0.4, "rain": 0.4},
        {"clear": 0.4, "rain": 0.4},
        {"clear": 0.6, "rain": 0.0},
    ]
    for visit, miou in enumerate(scores):
        with torch.no_grad():
            network.head.linear_pred.bias.fill_(visit)
        best.see(_record(visit, **miou), network)
        best.publish(folder, network)
    assert folder.best_record() == BestRecord(visit=1, domain="clear", miou=0.4, settings_hash=settings.settings_hash())
    left = load_file(folder.best)
    assert left["head.linear_pred.bias"].eq(1).all()
    # The checkpoint holds what learns; what is frozen is the network's own.
    assert not any(name.startswith("encoder.") for name in best.state_dict()["tensors"])
    assert left.keys() == {name for name in network.state_dict() if not name.endswith("_extra_state")}


def test_nothing_is_chosen_by_the_frames_of_a_report() -> None:
    with pytest.raises(ValueError, match=r"logging\.best_weights is true, but evaluation\.split is 'test'"):
        RunSettings.model_validate({"logging": {"best_weights": True}})
