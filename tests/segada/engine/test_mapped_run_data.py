"""Tests of runs on memory-mapped frames: the same numbers, and no copy of the frames in memory."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segada.data import run_frames
from segada.data.cache.cache_entry import is_mapped
from segada.engine.run_data import RunData, prepare_data
from segada.engine.runner import Run
from segada.errors import InputError
from segada.settings import RunSettings


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Writes sequence D, a source, and N with 24 frames, one of them damaged."""
    root = tmp_path_factory.mktemp("drive")
    generator = np.random.default_rng(0)
    names = {"train": [*(f"D_{number:03}" for number in range(6)), *(f"N_{number:03}" for number in range(20, 60))]}
    for part, frames in (names | {"val": [f"D_{number:03}" for number in range(10, 14)]}).items():
        for folder in (part, f"{part}annot"):
            (root / folder).mkdir()
        for name in frames:
            image = generator.integers(0, 256, (32, 64, 3), np.uint8)
            labels = generator.integers(0, 12, (32, 64), np.uint8)
            assert cv2.imwrite(str(root / part / f"{name}.png"), image)
            assert cv2.imwrite(str(root / f"{part}annot" / f"{name}.png"), labels)
    damaged = root / "train" / "N_023.png"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    return root


def run_settings(root: Path, cache: Path | None, **data: Any) -> RunSettings:
    domains = {
        "day": {"dataset": "camvid", "sequences": ["D"]},
        "road": {"dataset": "camvid", "sequences": ["N"], "weather": "100mm"},
        "fog": {"dataset": "camvid", "sequences": ["N"], "weather": "fog75m"},
    }
    loading = {"cache": None if cache is None else str(cache), "unreadable_share": 0.1}
    return RunSettings.model_validate(
        {
            "data": {"size": [32, 64], "root": str(root), "domains": domains, "loading": loading, **data},
            # The road is met on two stretches, which are not neighbors.
            "stream": {"source": "day", "visits": ["road", "fog"], "route": "forward_and_back", "frames": 4},
            "model": {"encoder": "mit_tiny", "checkpoint": None},
            "method": {"pseudo_threshold": 0.1},
        }
    )


def frames_of(run_data: RunData) -> list[Any]:
    return [run_data.source, *run_data.visited.values(), *run_data.held_out.values()]


def test_a_run_ends_the_same_with_a_cold_cache_a_warm_one_and_none(drive: Path, tmp_path: Path) -> None:
    ends = set()
    for name, cache in (("none", None), ("cold", tmp_path / "cache"), ("warm", tmp_path / "cache")):
        settings = run_settings(drive, cache)
        run_data = prepare_data(settings)
        assert {is_mapped(frames) for frames in frames_of(run_data)} == {cache is not None}
        assert run_data.count_unreadable() == {"road": 1, "fog": 1}
        run = Run(settings, run_data, tmp_path / name)
        while not run.finished:
            run.next_visit()
        ends.add((tmp_path / name / "weights.safetensors").read_bytes() + (tmp_path / name / "areas.npz").read_bytes())
    assert len(ends) == 1


def test_a_run_goes_on_with_another_way_of_loading(drive: Path, tmp_path: Path) -> None:
    first = run_settings(drive, None)
    Run(first, prepare_data(first), tmp_path / "run").next_visit()
    second = run_settings(drive, tmp_path / "cache")
    assert Run(second, prepare_data(second), tmp_path / "run").visits_done == 1


def test_only_frames_that_need_memory_are_refused_for_want_of_it(
    drive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_frames, "physical_memory", lambda: 1000)
    prepare_data(run_settings(drive, tmp_path / "cache"))
    with pytest.raises(InputError, match=r"frames of the run take .* a folder in data\.loading\.cache"):
        prepare_data(run_settings(drive, None))
    mixed = run_settings(drive, tmp_path / "cache").model_dump(mode="json")
    mixed["data"]["domains"]["fog"] = {"dataset": "streets", "weather": "fog75m"}
    with pytest.raises(InputError, match=r"the 84 frames of the run take"):
        prepare_data(RunSettings.model_validate(mixed))
