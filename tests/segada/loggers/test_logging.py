"""Tests of logging: the files of a logged run, unchanged numbers, and equal files after an interruption."""

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from segada import adapt
from segada.artifacts.run_dir import RunDir
from segada.controllers.base import StepPlan
from segada.data.batch import to_batch
from segada.data.frame_schedule import Step
from segada.data.labels import NAMES
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.errors import InputError
from segada.loggers.base import SeenStep, due
from segada.loggers.class_tables import ClassTables, class_table
from segada.records import RunReport, StepRecord
from segada.settings import RunSettings
from segada.settings.class_sets import CITYSCAPES
from segada.settings.files import load_run_settings

EVERYTHING = {"frames": True, "mix_panels": 6, "prediction_panels": 5, "class_tables": 3}


@pytest.fixture(scope="module")
def run_data(tiny_run: dict[str, object]) -> RunData:
    return prepare_data(RunSettings.model_validate(tiny_run))


def _settings(tiny_run: dict[str, object], logging: dict[str, object], **changes: object) -> RunSettings:
    method = {"name": "dacs", "pseudo_threshold": 0.1, "target_fdist_lambda": 0.01}
    return RunSettings.model_validate({**tiny_run, "method": method, "logging": logging, **changes})


def _run(settings: RunSettings, run_data: RunData, folder: Path) -> RunReport:
    run = Run(settings, run_data, folder)
    while not run.finished:
        run.next_visit()
    return run.report()


def _watched(folder: Path) -> dict[str, bytes]:
    """Returns the content of every logged file by path."""
    files = [folder / "frames.jsonl", *folder.glob("panels/*"), *folder.glob("tables/*")]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files if file.exists()}


@pytest.fixture(scope="module")
def whole(tiny_run: dict[str, object], run_data: RunData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    _run(_settings(tiny_run, EVERYTHING), run_data, folder)
    return folder


def test_everything_is_written_where_it_is_due_and_nothing_else(whole: Path) -> None:
    panels = [f"panels/{kind}_{visit}_{frame:06d}.png" for visit in (0, 1) for kind, frame in (("mix", 0), ("mix", 6))]
    panels += [f"panels/prediction_{visit}_{frame:06d}.png" for visit in (0, 1) for frame in (0, 5)]
    tables = [f"tables/iou_{visit}_{frames:06d}.csv" for visit in (0, 1) for frames in (3, 6)]
    assert set(_watched(whole)) == {"frames.jsonl", *panels, *tables}


def test_a_line_per_step_says_what_happened_in_it(whole: Path) -> None:
    lines = [StepRecord.model_validate_json(line) for line in (whole / "frames.jsonl").read_text().splitlines()]
    assert [(line.visit, line.domain, line.step) for line in lines] == [
        (0, "clear", 0),
        (0, "clear", 1),
        (1, "200mm", 2),
        (1, "200mm", 3),
    ]
    assert [line.frames for line in lines] == [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11), (12, 13, 14, 15)]
    for line in lines:
        assert line.trains
        assert 0.0 < line.pseudo_labels["coverage"] <= 1.0
        assert line.first_stage == 0
        assert line.mix_ratio is None
        assert line.learning_rates == {"encoder": 1e-3, "head": 1e-3}
        assert set(line.losses) == {"clean", "mix", "target_feature_distance", "sure_share"}
        assert line.miou is not None
        assert set(line.label_free) == {"entropy", "confidence"}


def test_visits_hold_the_means_of_their_steps(whole: Path) -> None:
    steps = [json.loads(line) for line in (whole / "frames.jsonl").read_text().splitlines()]
    for line in (whole / "visits.jsonl").read_text().splitlines():
        visit = json.loads(line)
        own = [step for step in steps if step["visit"] == visit["visit"]]
        assert visit["learning_rates"] == pytest.approx({"encoder": 1e-3, "head": 1e-3})
        assert visit["controller"] == {}
        for name, mean in visit["losses"].items():
            assert mean == pytest.approx(np.mean([step["losses"][name] for step in own]))
        for name, mean in visit["label_free"].items():
            assert mean == pytest.approx(np.mean([step["label_free"][name] for step in own]))


@pytest.mark.parametrize("online", [True, False])
def test_watching_changes_no_number(
    online: bool, tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    evaluation = {"split": "val", "online": online}
    reports = [
        _run(_settings(tiny_run, logging, evaluation=evaluation), run_data, tmp_path / str(len(logging)))
        for logging in ({}, EVERYTHING)
    ]
    assert reports[0].mean_miou == reports[1].mean_miou
    for plain, logged in zip(*(report.visits for report in reports), strict=True):
        assert plain.iou == logged.iou
        assert plain.losses == logged.losses
        assert plain.online_miou == logged.online_miou
    assert _watched(tmp_path / "0") == {}
    # Tables and panels ask for predictions of their own.
    assert set(_watched(tmp_path / "4")) >= {"tables/iou_1_000006.csv", "panels/prediction_1_000005.png"}


def test_without_panels_and_tables_no_frame_is_predicted_for_the_log(
    tiny_run: dict[str, object], run_data: RunData, tmp_path: Path
) -> None:
    evaluation = {"split": "val", "online": False}
    _run(_settings(tiny_run, {"frames": True}, evaluation=evaluation), run_data, tmp_path)
    for line in (tmp_path / "frames.jsonl").read_text().splitlines():
        assert json.loads(line)["miou"] is None
        assert json.loads(line)["label_free"] == {}


class Killed(Exception):
    """Simulates a kill in the middle of a visit."""


def test_a_run_killed_within_a_visit_leaves_the_same_bytes(
    whole: Path, tiny_run: dict[str, object], run_data: RunData, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = _settings(tiny_run, EVERYTHING)
    run = Run(settings, run_data, tmp_path)
    run.next_visit()
    with monkeypatch.context() as patch:
        patch.setattr(run, "_evaluate", _killed)
        with pytest.raises(Killed):
            run.next_visit()
    with (tmp_path / "frames.jsonl").open("a") as file:
        file.write('{"visit":1,"dom')
    assert len((tmp_path / "frames.jsonl").read_text().splitlines()) == 5
    resumed = Run(settings, run_data, tmp_path)
    assert resumed.visits_done == 1
    assert len((tmp_path / "frames.jsonl").read_text().splitlines()) == 2
    resumed.next_visit()
    assert _watched(tmp_path) == _watched(whole)
    assert Run(settings, run_data, tmp_path).finished
    assert _watched(tmp_path) == _watched(whole)


def _killed() -> None:
    raise Killed


@pytest.mark.parametrize(
    "method", [{"name": "source_only"}, {"name": "dacs", "mix_weight": 0.0}], ids=lambda method: str(method["name"])
)
def test_mix_panels_of_what_mixes_nothing_are_refused_in_one_line(method: dict[str, object], tmp_path: Path) -> None:
    file = tmp_path / "run.yaml"
    file.write_text(json.dumps({"method": method, "logging": {"mix_panels": 50}}))
    with pytest.raises(
        InputError, match=r"logging\.mix_panels: is 50, but method\.name .* mixes nothing; set"
    ) as error:
        load_run_settings(str(file), {})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("first", "count", "every"), [(0, 4, 6), (4, 4, 6), (8, 4, 6), (12, 3, 2), (7, 1, 7), (6, 1, 7)]
)
def test_due_are_the_multiples(first: int, count: int, every: int) -> None:
    assert list(due(first, count, every)) == [place for place in range(first, first + count) if place % every == 0]


def test_a_class_table_is_what_was_counted() -> None:
    areas = np.zeros((3, len(NAMES)), np.int64)
    areas[:, 0] = 30, 50, 40  # IoU 30/60, accuracy 30/40
    areas[:, 13] = 10, 10, 20  # IoU 10/20, accuracy 10/20
    areas[1, 10] = 5
    rows = list(csv.DictReader(class_table(areas, CITYSCAPES.names).splitlines()))
    assert [row["class"] for row in rows] == [*NAMES, "mean"]
    by_class = {row.pop("class"): row for row in rows}
    assert by_class["road"] == {"iou": "0.5000", "accuracy": "0.7500", "labelled": "40", "predicted": "50"}
    assert by_class["car"] == {"iou": "0.5000", "accuracy": "0.5000", "labelled": "20", "predicted": "10"}
    assert by_class["sky"] == {"iou": "", "accuracy": "", "labelled": "0", "predicted": "5"}
    assert by_class["mean"] == {"iou": "0.5000", "accuracy": "0.6250", "labelled": "60", "predicted": "65"}


def test_a_table_is_over_the_visit_s_frames_so_far(run_data: RunData, tmp_path: Path) -> None:
    tables = ClassTables(RunDir(tmp_path), 3, NAMES)
    logits = torch.randn(4, len(NAMES), 8, 16, generator=torch.Generator().manual_seed(0))
    for visit in (0, 1):
        for first in (0, 4):
            batch = to_batch(run_data.visited["clear"], np.arange(first, first + 4))
            step = Step(0, np.arange(4))
            tables.see(SeenStep(visit, "clear", step, first, batch, logits, {}, StepPlan(), {}, {}, {}, {}))
    assert sorted(file.name for file in tmp_path.glob("tables/*")) == [
        f"iou_{visit}_{frames:06d}.csv" for visit in (0, 1) for frames in (3, 6)
    ]
    counted = {
        name: sum(int(row["labelled"]) for row in csv.DictReader((tmp_path / "tables" / name).read_text().splitlines()))
        for name in ("iou_0_000003.csv", "iou_1_000006.csv")
    }
    labelled = (run_data.visited["clear"].labels != 255).reshape(-1, 32 * 64).sum(axis=1)
    # The last row holds the sum of the others.
    assert counted["iou_0_000003.csv"] == 2 * labelled[:3].sum()
    assert counted["iou_1_000006.csv"] == 2 * labelled[:6].sum()


@pytest.mark.parametrize("logging", [{}, {"prediction_panels": 50}], ids=["without_logging", "logged"])
def test_the_command_ends_with_where_the_panels_lie(
    logging: dict[str, object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    tiny = {"data": {"size": [32, 64], "splits": {"source": 8, "adapt": 8, "test": 4}}, "logging": logging}
    short = {"stream": {"visits": ["clear"], "frames": 4}, "method": {"name": "source_only"}}
    monkeypatch.chdir(tmp_path)
    Path("run.yaml").write_text(json.dumps({**tiny, **short}))
    monkeypatch.setattr(sys, "argv", ["adapt", "run.yaml", "--out", "out"])
    assert adapt.main() == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == ("results in out, panels in out/panels" if logging else "results in out")
