"""Tests of damaged files in a run: left out, counted, named, and refused if too many."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from loaded_frames import load_domain

from segada.data.datasets.registry import count_frames, labelled_frames
from segada.data.frame_schedule import FrameSchedule
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.errors import InputError
from segada.settings import RunSettings

SHARE = 0.1


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """Writes sequence D, a source, and N with 24 frames; an image's gray value is its frame's number."""
    names = {"train": [*(f"D_{number:03}" for number in range(6)), *(f"N_{number:03}" for number in range(20, 44))]}
    for part, frames in (names | {"val": [f"D_{number:03}" for number in range(10, 14)]}).items():
        for folder in (part, f"{part}annot"):
            (tmp_path / folder).mkdir()
        for name in frames:
            number = int(name[2:])
            image = np.full((32, 64, 3), number, np.uint8)
            labels = np.arange(32 * 64, dtype=np.uint8).reshape(32, 64) % 11
            assert cv2.imwrite(str(tmp_path / part / f"{name}.png"), image)
            assert cv2.imwrite(str(tmp_path / f"{part}annot" / f"{name}.png"), labels)
    return tmp_path


def run_settings(root: Path, share: float = SHARE, **loading: Any) -> RunSettings:
    return RunSettings.model_validate(
        {
            "data": {
                "size": [32, 64],
                "root": str(root),
                "domains": {
                    "day": {"dataset": "camvid", "sequences": ["D"]},
                    "road": {"dataset": "camvid", "sequences": ["N"], "weather": "100mm"},
                },
                "loading": {"cache": None, "workers": 0, "unreadable_share": share, **loading},
            },
            "stream": {"source": "day", "visits": ["road"], "frames": None, "batch_size": 5},
            "model": {"encoder": "mit_tiny", "checkpoint": None},
            "method": {"name": "batch_norm"},
        }
    )


def damage(root: Path, *names: str) -> None:
    for name in names:
        path = root / f"{name}.png"
        path.write_bytes(path.read_bytes()[:-20])


def test_a_damaged_frame_is_left_out_and_all_others_stay_as_they_were(drive: Path) -> None:
    settings = run_settings(drive)
    whole = load_domain("road", settings.data, "adapt")
    damage(drive, "train/N_023", "trainannot/N_030")

    rest = load_domain("road", run_settings(drive, 0.2).data, "adapt")

    kept = [number for number in range(12) if number not in (3, 10)]
    np.testing.assert_array_equal(rest.images, whole.images[kept])
    assert count_frames("road", settings.data, "adapt") == 12
    assert [frame.name for frame in labelled_frames("road", run_settings(drive, 0.2).data, "adapt")] == [
        f"N_{20 + number:03}" for number in kept
    ]


def test_the_schedule_knows_the_frames_that_can_be_read_alone(drive: Path) -> None:
    damage(drive, "train/N_023")
    settings = run_settings(drive)

    run_data = prepare_data(settings)

    assert run_data.lengths == {"road": 11}
    assert len(run_data.visited["road"]) == 11
    seen = [number for step in FrameSchedule(settings.stream, run_data.lengths).steps(0) for number in step.frames]
    assert seen == list(range(11))


def test_a_run_counts_them_names_them_and_goes_on_after_a_kill(drive: Path, tmp_path: Path) -> None:
    damage(drive, "train/N_023", "valannot/D_013")
    settings = run_settings(drive, 0.5)
    stream = settings.stream.model_copy(update={"rounds": 2})
    settings = settings.model_copy(update={"stream": stream})

    whole = _driven(settings, prepare_data(settings), tmp_path / "whole")
    Run(settings, prepare_data(settings), tmp_path / "killed").next_visit()
    resumed = _driven(settings, prepare_data(settings), tmp_path / "killed")

    assert whole["unreadable_frames"] == {"road": 1, "day": 1}
    assert [visit["frames"] for visit in whole["visits"]] == [11, 11]
    assert resumed["unreadable_frames"] == whole["unreadable_frames"]
    assert [visit["miou"] for visit in resumed["visits"]] == [visit["miou"] for visit in whole["visits"]]
    log = (tmp_path / "whole" / "log.txt").read_text()
    assert "frames of domain road that cannot be read and are left out: 1, " in log
    assert f"{drive / 'train' / 'N_023.png'} is cut off" in log
    assert f"{drive / 'valannot' / 'D_013.png'} is cut off" in log


def _driven(settings: RunSettings, run_data: RunData, folder: Path) -> dict[str, Any]:
    run = Run(settings, run_data, folder)
    while not run.finished:
        run.next_visit()
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


def test_more_than_a_share_of_them_end_the_run_with_the_first_paths(drive: Path) -> None:
    damage(drive, *(f"train/N_{number:03}" for number in range(20, 25)))

    said = (
        r"domain 'road': 5 of 18 frames cannot be read, .*unreadable_share 0\.1 allows: .*N_020\.png .*N_022\.png .*, "
    )
    with pytest.raises(InputError, match=f"{said}and 2 more"):
        prepare_data(run_settings(drive))
    with pytest.raises(InputError, match=r"domain 'road': 2 of 12 frames cannot be read"):
        list(labelled_frames("road", run_settings(drive).data, "adapt"))


def test_a_purpose_of_which_nothing_can_be_read_ends_the_run_whatever_the_share(drive: Path) -> None:
    damage(drive, "val/D_012", "val/D_013")

    with pytest.raises(InputError, match=r"domain 'day': 2 of 2 frames cannot be read"):
        load_domain("day", run_settings(drive, 1.0).data, "test")


def test_a_picture_with_labels_of_another_shape_is_left_out_like_a_damaged_one(drive: Path) -> None:
    assert cv2.imwrite(str(drive / "trainannot" / "N_023.png"), np.zeros((64, 64), np.uint8))

    assert len(load_domain("road", run_settings(drive).data, "adapt")) == 11
    with pytest.raises(InputError, match=r"N_023\.png is 64 x 32, but its labels .*N_023\.png are 64 x 64: not of one"):
        load_domain("road", run_settings(drive, 0.01).data, "adapt")
