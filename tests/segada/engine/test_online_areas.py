"""Tests of the areas and metrics of frames that are predicted before they are learned from."""

from pathlib import Path

import numpy as np
import pytest

from segada.artifacts.checkpoint import read_state, write_state
from segada.artifacts.run_files import damages, read_areas, read_online, read_report
from segada.core.run_names import AREAS, FORMER_STATE, STATE
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.metrics import mean_iou
from segada.settings import RunSettings


@pytest.fixture(scope="module")
def settings(tiny_run: dict[str, object]) -> RunSettings:
    return RunSettings.model_validate(
        {**tiny_run, "method": {"name": "batch_norm"}, "evaluation": {"split": "val", "speed_frames": 3}}
    )


@pytest.fixture(scope="module")
def run_data(settings: RunSettings) -> RunData:
    return prepare_data(settings)


def test_records_follow_from_the_areas_that_are_kept(settings: RunSettings, run_data: RunData, tmp_path: Path) -> None:
    for record in Run(settings, run_data, tmp_path):
        areas, recordings = read_online(tmp_path).value[record.visit]
        assert len(areas) == len(recordings) == record.frames
        # Scenes of streets are independent: each is a recording by itself.
        assert len(set(recordings.tolist())) == record.frames
        assert record.online_miou == pytest.approx(mean_iou(areas.sum(axis=0)))
        assert record.speed_frames == 3
        points = [mean_iou(areas[:end].sum(axis=0)) for end in (1, 2, 3)]
        assert record.adaptation_speed == pytest.approx(float(np.mean(points)))


def test_a_run_without_predictions_has_none(settings: RunSettings, run_data: RunData, tmp_path: Path) -> None:
    silent = settings.evaluation.model_copy(update={"online": False, "label_free": ()})
    record = Run(settings.model_copy(update={"evaluation": silent}), run_data, tmp_path).next_visit()
    assert (record.online_miou, record.adaptation_speed, record.speed_frames) == (None, None, 0)
    assert [len(areas) for areas, _ in read_online(tmp_path).value] == [0]


def test_the_number_of_frames_changes_no_number_but_that_one(
    settings: RunSettings, run_data: RunData, tiny_run: dict[str, object]
) -> None:
    other = settings.model_copy(update={"evaluation": settings.evaluation.model_copy(update={"speed_frames": 1})})
    first, second = (Run(one, run_data).next_visit() for one in (settings, other))
    assert first.online_miou == second.online_miou
    assert first.adaptation_speed != second.adaptation_speed
    default = RunSettings.model_validate({**tiny_run, "evaluation": {"split": "val", "speed_frames": 20}})
    assert default.settings_hash() == RunSettings.model_validate(tiny_run).settings_hash()
    assert settings.settings_hash() != default.settings_hash()


def test_a_checkpoint_of_before_continues_without_the_areas_of_earlier_visits(
    settings: RunSettings, run_data: RunData, tmp_path: Path
) -> None:
    Run(settings, run_data, tmp_path).next_visit()
    state = read_state(tmp_path / STATE)
    for name in ("online_areas", "online_recordings"):
        del state["state"][name]
    write_state(state, tmp_path / STATE, tmp_path / FORMER_STATE)
    run = Run(settings, run_data, tmp_path)
    while not run.finished:
        run.next_visit()
    assert [len(areas) for areas, _ in read_online(tmp_path).value] == [0, run.report().visits[1].frames]
    assert damages(tmp_path) == []


def test_areas_of_before_and_damaged_ones_are_told_apart(
    settings: RunSettings, run_data: RunData, tmp_path: Path
) -> None:
    for _ in Run(settings, run_data, tmp_path):
        pass
    with np.load(tmp_path / AREAS) as archive:
        arrays = dict(archive)
    np.savez(tmp_path / AREAS, **{name: each for name, each in arrays.items() if "online" not in name})  # type: ignore[arg-type]
    assert read_online(tmp_path).value == ()
    assert damages(tmp_path) == []
    arrays["online_recording0"] = arrays["online_recording0"][1:]
    np.savez(tmp_path / AREAS, **arrays)  # type: ignore[arg-type]
    (damage,) = damages(tmp_path)
    assert "online_recording0 is not int64" in damage.problem
    report = read_report(tmp_path).value
    assert report is not None
    assert len(read_areas(tmp_path).value) == len(report.visits)
