"""Tests that cached frames are not sent, and that the receiver opens them, decodes them, or reports the problem."""

import pickle
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from segada.data.cache.cache_entry import is_mapped
from segada.data.frames import Frames
from segada.engine.run_data import RunData, prepare_data, rescored
from segada.engine.shared_data import packed
from segada.errors import InputError
from segada.settings import RunSettings

SIZE = (64, 128)


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """Writes pictures of one recording."""
    generator = np.random.default_rng(0)
    for folder in ("images", "labels"):
        (tmp_path / "drive" / folder).mkdir(parents=True)
    for number in range(24):
        image, labels = generator.integers(0, 256, (*SIZE, 3), np.uint8), generator.integers(0, 19, SIZE, np.uint8)
        assert cv2.imwrite(str(tmp_path / "drive" / "images" / f"{number:02}.png"), image)
        assert cv2.imwrite(str(tmp_path / "drive" / "labels" / f"{number:02}.png"), labels)
    return tmp_path / "drive"


def run_settings(drive: Path, cache: Path | None) -> RunSettings:
    road: dict[str, Any] = {"dataset": "folders", "images": "images/*.png", "labels": "labels/*.png"}
    road["shares"] = (0.25, 0.25, 0.25, 0.25)
    domains = {"road": road, "rain": {**road, "weather": "25mm"}, "street": {"dataset": "streets", "weather": "25mm"}}
    loading = {"cache": None if cache is None else str(cache)}
    splits = {"source": 6, "adapt": 6, "val": 6, "test": 6}
    return RunSettings.model_validate(
        {
            "data": {"size": SIZE, "root": str(drive), "domains": domains, "splits": splits, "loading": loading},
            "stream": {"source": "road", "visits": ["rain", "street"], "frames": 3},
            "model": {"encoder": "mit_tiny", "checkpoint": None},
            "method": {"name": "batch_norm"},
        }
    )


def all_frames(run_data: RunData) -> list[Frames]:
    return [run_data.source, *run_data.visited.values(), *run_data.held_out.values()]


def assert_equal(found: RunData, expected: RunData) -> None:
    assert (found.key, found.lengths, found.source_only) == (expected.key, expected.lengths, expected.source_only)
    assert (list(found.visited), list(found.held_out)) == (list(expected.visited), list(expected.held_out))
    for one, other in zip(all_frames(found), all_frames(expected), strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.labels, other.labels)


def test_frames_of_the_cache_stay_and_those_in_memory_travel(drive: Path, tmp_path: Path) -> None:
    settings = run_settings(drive, tmp_path / "cache")
    run_data = prepare_data(settings)
    streets = sum(some.images.nbytes + some.labels.nbytes for some in all_frames(run_data) if not is_mapped(some))
    sent = pickle.dumps(packed(run_data, settings))
    assert 0 < streets < len(sent) < streets + 20_000
    found = pickle.loads(sent).unpacked()  # noqa: S301 - what this test has pickled itself
    assert_equal(found, run_data)
    assert [is_mapped(some) for some in all_frames(found)] == [True, True, False, True, True, False]


def test_of_another_source_model_only_the_scores_are_made_anew(drive: Path) -> None:
    first = run_settings(drive, None)
    shared = prepare_data(first)
    other = first.model_copy(update={"seed": 1})
    found = rescored(shared, first, other)
    assert found is not None
    assert found.source_only != shared.source_only
    assert_equal(found, prepare_data(other))
    assert found.held_out is shared.held_out
    fewer = other.model_copy(update={"stream": other.stream.model_copy(update={"frames": 2})})
    assert rescored(shared, first, fewer) is None


def test_without_a_cache_all_frames_travel_and_no_file_is_needed(drive: Path) -> None:
    settings = run_settings(drive, None)
    run_data = prepare_data(settings)
    sent = pickle.dumps(packed(run_data, settings))
    shutil.rmtree(drive)
    assert_equal(pickle.loads(sent).unpacked(), run_data)  # noqa: S301 - as above


def test_a_node_with_the_data_set_and_no_cache_makes_its_own(drive: Path, tmp_path: Path) -> None:
    settings = run_settings(drive, tmp_path / "cache")
    run_data = prepare_data(settings)
    shared = packed(run_data, settings)
    shutil.rmtree(tmp_path / "cache")
    assert_equal(shared.unpacked(), run_data)
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_a_node_without_the_data_set_says_so(drive: Path, tmp_path: Path) -> None:
    settings = run_settings(drive, tmp_path / "cache")
    shared = packed(prepare_data(settings), settings)
    shutil.rmtree(drive)
    with pytest.raises(InputError, match=r"domain 'road': .*drive"):
        shared.unpacked()


def test_other_frames_than_those_that_were_scored_are_refused(drive: Path, tmp_path: Path) -> None:
    settings = run_settings(drive, tmp_path / "cache")
    shared = packed(prepare_data(settings), settings)
    for file in sorted((drive / "images").iterdir())[20:]:
        file.unlink()
    with pytest.raises(InputError, match="domain 'road' has 2 frames for 'test' that can be read, and had 6 when"):
        shared.unpacked()
