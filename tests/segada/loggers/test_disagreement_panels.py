"""Pictures of predictions before and after a visit: what they show, and that they change nothing."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from segada.data.batch import Batch
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.loggers.colors import NEITHER, RIGHT, WRONG, changes
from segada.loggers.disagreement_panels import disagreement, disagreement_panel
from segada.records import Disagreement
from segada.settings import RunSettings
from segada.settings.class_sets import CITYSCAPES

ROAD, SKY, CAR = 0, 10, 13


@pytest.fixture(scope="module")
def run_data(tiny_run: dict[str, object]) -> RunData:
    return prepare_data(RunSettings.model_validate(tiny_run))


def _settings(tiny_run: dict[str, object], count: int, method: str = "batch_norm") -> RunSettings:
    return RunSettings.model_validate(
        {**tiny_run, "method": {"name": method}, "logging": {"disagreement_panels": count}}
    )


def _finished(settings: RunSettings, run_data: RunData, folder: Path, stops_after: int | None = None) -> None:
    if stops_after is not None:
        run = Run(settings, run_data, folder)
        for _ in range(stops_after):
            run.next_visit()
    list(Run(settings, run_data, folder))


def _drawn(folder: Path) -> dict[str, bytes]:
    files = [*folder.glob("panels/*"), *folder.glob("tables/*")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def _rows(folder: Path) -> list[Disagreement]:
    lines = [line for file in sorted(folder.glob("tables/*")) for line in csv.DictReader(file.read_text().splitlines())]
    return [Disagreement.model_validate({name: cell or None for name, cell in line.items()}) for line in lines]


def test_frames_of_each_visit_are_drawn_and_no_number_of_the_run_changes(
    tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    _finished(_settings(tiny_run, 2), run_data, tmp_path / "drawn")
    _finished(_settings(tiny_run, 0), run_data, tmp_path / "bare")
    rows = _rows(tmp_path / "drawn")
    numbers = {visit: [row.frame for row in rows if row.visit == visit] for visit in (0, 1)}

    assert [len(frames) for frames in numbers.values()] == [2, 2]
    assert all(first < last for first, last in numbers.values())
    assert any(row.changed > 0 for row in rows)
    assert set(_drawn(tmp_path / "drawn")) == {
        *(f"panels/disagreement_{row.visit}_{row.frame:06d}.png" for row in rows),
        *(f"tables/disagreement_{visit}.csv" for visit in numbers),
    }
    assert _drawn(tmp_path / "bare") == {}
    scores = [
        [visit["miou"] for visit in json.loads((tmp_path / name / "report.json").read_text())["visits"]]
        for name in ("drawn", "bare")
    ]
    assert scores[0] == scores[1]


def test_the_source_model_differs_from_itself_nowhere(
    tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    _finished(_settings(tiny_run, 3, "source_only"), run_data, tmp_path)
    assert {row.changed for row in _rows(tmp_path)} == {0.0}
    assert all(row.source_miou == row.adapted_miou is not None for row in _rows(tmp_path))


def test_an_interrupted_run_draws_the_same_and_may_go_on_with_other_pictures(
    tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    for name, stops_after in (("whole", None), ("halted", 1)):
        _finished(_settings(tiny_run, 2), run_data, tmp_path / name, stops_after)
    assert _drawn(tmp_path / "halted") == _drawn(tmp_path / "whole")
    Run(_settings(tiny_run, 0), run_data, tmp_path / "other").next_visit()
    _finished(_settings(tiny_run, 2), run_data, tmp_path / "other")
    assert {row.visit for row in _rows(tmp_path / "other")} == {1}


def _logits(labels: list[list[int]]) -> torch.Tensor:
    return torch.nn.functional.one_hot(torch.tensor([labels]), 19).permute(0, 3, 1, 2).float()


@pytest.mark.parametrize("is_labelled", [True, False])
def test_a_panel_shows_the_truth_where_there_is_one(is_labelled: bool) -> None:
    truth = torch.tensor([[[ROAD, CAR], [SKY, 255]]]) if is_labelled else torch.full((1, 2, 2), 255)
    one = Batch(torch.rand(1, 3, 2, 2), truth)
    before, after = _logits([[ROAD, ROAD], [CAR, ROAD]]), _logits([[CAR, CAR], [ROAD, ROAD]])
    row = disagreement(one, before, after, 1, "rain", 4)
    panel = disagreement_panel(one, before, after, row, CITYSCAPES)
    captions = [picture.caption.split(" (")[0].split(",")[0] for line in panel.rows for picture in line]

    assert row.changed == 0.75
    assert panel.title == "visit 1 (rain), frame 4  ·  75.0 % of the pixels change"
    assert (row.source_miou is not None) == is_labelled
    assert captions == (
        ["image", "ground truth", "source model", "after the visit", "changed"]
        if is_labelled
        else ["image", "changed", "source model", "after the visit"]
    )
    picture = next(one for line in panel.rows for one in line if one.caption.startswith("changed"))
    colors = [tuple(color) for color in picture.pixels.reshape(-1, 3)[:3].tolist()]
    assert colors == ([WRONG, RIGHT, NEITHER] if is_labelled else [WRONG, WRONG, WRONG])
    assert tuple(picture.pixels[1, 1].tolist()) not in (WRONG, RIGHT, NEITHER)


def test_a_change_without_a_label_is_not_called_right() -> None:
    labels = np.full((1, 1), 255, np.uint8)
    picture = changes("", torch.zeros(3, 1, 1), np.zeros((1, 1), np.uint8), labels, labels)
    assert tuple(picture.pixels[0, 0].tolist()) == WRONG
