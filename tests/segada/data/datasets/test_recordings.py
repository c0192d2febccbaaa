"""Recordings that frames belong to: those of a drive are correlated, procedural scenes are not."""

from pathlib import Path

import pytest
from published_trees import SIZE, TREES
from test_camvid import drive, settings

from segada.data.datasets.domain_frames import numbered
from segada.data.datasets.registry import open_domain
from segada.data.splits import Split
from segada.settings.camvid import CamVidDomain
from segada.settings.data import DataSettings, SplitSettings
from segada.settings.domains import StreetsDomain
from segada.settings.loading import LoadingSettings

__all__ = ["drive"]


@pytest.mark.parametrize(
    ("name", "split", "expected"),
    [
        ("cityscapes", "adapt", [0] * 6 + [1] * 6),
        ("rainy_cityscapes", "test", [0] * 6),
        ("acdc", "adapt", [0] * 6 + [1] * 6),
        ("shift", "adapt", [0] * 6 + [1] * 6),
        ("gta5", "test", [0] * 6),
        ("video", "adapt", None),
    ],
)
def test_frames_of_a_folder_or_a_film_are_of_one_recording(
    tmp_path: Path, name: str, split: Split, expected: list[int] | None
) -> None:
    data = DataSettings(
        size=SIZE,
        root=str(tmp_path),
        domains={"it": TREES[name](tmp_path)},
        loading=LoadingSettings(cache=None, workers=0),
        splits=SplitSettings(source=50, adapt=50, val=50, test=50),
    )

    found = open_domain("it", data, split)

    assert found.recordings.tolist() == (expected or [0] * len(found))


def test_sequences_of_camvid_are_recordings(drive: Path) -> None:
    data = settings(drive, CamVidDomain(dataset="camvid", sequences=(), held_out=False))

    assert open_domain("it", data, "val").recordings.tolist() == [0, 0, 1, 1]
    assert open_domain("it", data, "source").recordings.tolist() == [0] * 6


def test_a_frame_that_cannot_be_read_leaves_the_others_their_recordings(tmp_path: Path) -> None:
    domain = TREES["acdc"](tmp_path)
    data = DataSettings(
        size=SIZE,
        root=str(tmp_path),
        domains={"it": domain},
        loading=LoadingSettings(cache=None, workers=0, unreadable_share=0.5),
    )
    first = sorted((tmp_path / "rgb_anon" / "fog" / "train" / "GP010476").glob("*.png"))[0]
    first.write_bytes(first.read_bytes()[:100])

    assert open_domain("it", data, "adapt").recordings.tolist() == [0] * 5 + [1] * 6


def test_procedural_scenes_are_independent() -> None:
    data = DataSettings(size=(32, 64), domains={"it": StreetsDomain(weather="clear")})

    assert open_domain("it", data, "val").recordings.tolist() == list(range(data.splits.val))


def test_a_recording_that_returns_is_another_piece() -> None:
    assert numbered(["a", "a", "b", "a"]).tolist() == [0, 0, 1, 2]
    assert numbered([]).tolist() == []
