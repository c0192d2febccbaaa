"""CamVid: ids, alignment, division of recordings, and errors for unexpected files."""

from pathlib import Path
from typing import Any, Final, get_args

import cv2
import numpy as np
import pytest
from loaded_frames import load_domain

from segada.data.datasets.camvid import CLASS_OF, IDS
from segada.data.frames import Frames
from segada.data.labels import NAMES
from segada.data.splits import Split
from segada.settings.camvid import CamVidDomain
from segada.settings.class_sets import CITYSCAPES
from segada.settings.data import DataSettings, SplitSettings
from segada.settings.loading import LoadingSettings

UNCACHED: Final = LoadingSettings(cache=None, workers=0)
SPLITS: Final[tuple[Split, ...]] = get_args(Split)


def write_frame(root: Path, part: str, name: str, image: np.ndarray, ids: np.ndarray) -> None:
    for folder, pixels in ((part, image), (f"{part}annot", ids)):
        (root / folder).mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(root / folder / f"{name}.png"), pixels)


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """Sequence D with 6 frames in train and 4 in val, N with 9 in train; an image is as gray as its frame's number."""
    for part, names in (
        ("train", [*(f"D_{number:03}" for number in range(6)), *(f"N_{number:03}" for number in range(20, 29))]),
        ("val", [f"D_{number:03}" for number in range(10, 14)]),
    ):
        for name in names:
            gray = np.full((8, 12, 3), int(name[2:]), np.uint8)
            write_frame(tmp_path, part, name, gray, np.arange(96, dtype=np.uint8).reshape(8, 12) % 12)
    return tmp_path


def load(
    root: Path | str | None,
    split: Split,
    *sequences: str,
    limit: int = 100,
    held_out: bool = False,
    weather: str = "clear",
) -> Frames:
    domain = CamVidDomain(dataset="camvid", sequences=sequences, held_out=held_out, weather=weather)
    return load_domain("it", settings(root, domain, limit), split)


def settings(root: Path | str | None, domain: CamVidDomain, limit: int = 100) -> DataSettings:
    return DataSettings(
        size=(8, 12),
        root=None if root is None else str(root),
        domains={"it": domain},
        splits=SplitSettings(source=limit, adapt=limit, val=limit, test=limit),
        loading=UNCACHED,
    )


def numbers(frames: Frames) -> list[int]:
    return frames.images[:, 0, 0, 0].tolist()


def test_ids_become_these_classes(drive: Path) -> None:
    # Sky Building Pole Road Pavement Tree SignSymbol Fence Car Pedestrian Bicyclist Unlabelled
    expected = [10, 2, 5, 0, 1, 8, 7, 4, 13, 11, 12, 255]

    assert [IDS.into(CITYSCAPES).classes[number] for number in range(12)] == expected
    assert load(drive, "source").labels[0].ravel().tolist() == expected * 8
    assert {name for name in CLASS_OF.values() if name} <= set(NAMES)


def test_colors_come_as_rgb(drive: Path) -> None:
    write_frame(drive, "train", "D_000", np.full((8, 12, 3), (10, 20, 30), np.uint8), np.zeros((8, 12), np.uint8))

    assert load(drive, "source", "D").images[0, 0, 0].tolist() == [30, 20, 10]


@pytest.mark.parametrize(
    ("sequences", "divided"),
    [
        (("D",), {"source": [0, 1, 2, 3, 4, 5], "val": [10, 11], "test": [12, 13]}),
        (("N",), {"adapt": [20, 21, 22, 23], "val": [24, 25], "test": [26, 27, 28]}),
        (
            (),
            {
                "source": [0, 1, 2, 3, 4, 5],
                "adapt": [20, 21, 22, 23],
                "val": [10, 11, 24, 25],
                "test": [12, 13, 26, 27, 28],
            },
        ),
    ],
)
def test_recordings_are_divided_in_blocks(
    drive: Path, sequences: tuple[str, ...], divided: dict[Split, list[int]]
) -> None:
    assert {split: numbers(load(drive, split, *sequences)) for split in divided} == divided


@pytest.fixture
def long_drive(drive: Path) -> Path:
    """The same with 12 frames of D in val, 10 to 21."""
    for number in range(14, 22):
        gray = np.full((8, 12, 3), number, np.uint8)
        write_frame(drive, "val", f"D_{number:03}", gray, np.zeros((8, 12), np.uint8))
    return drive


def test_held_out_frames_are_visited_and_report_what_the_source_reports(long_drive: Path) -> None:
    targets: tuple[Split, ...] = ("adapt", "val", "test")
    divided = {split: numbers(load(long_drive, split, "D", held_out=True)) for split in targets}

    assert divided == {"adapt": [10, 11, 12, 13], "val": [14, 15], "test": [16, 17, 18, 19, 20, 21]}
    assert divided["test"] == numbers(load(long_drive, "test", "D"))


def test_no_scene_that_is_reported_is_learned_from_adapted_on_or_selected_by_in_any_weather(camvid: Path) -> None:
    # Labels tell scenes apart, and weather leaves them as they are.
    def scenes(split: Split, **domain: Any) -> set[bytes]:
        labels = load(camvid, split, "0016E5", **domain).labels
        assert len({frame.tobytes() for frame in labels}) == len(labels) >= 8
        return {frame.tobytes() for frame in labels}

    source = {split: scenes(split) for split in SPLITS if split != "adapt"}
    rain = {split: scenes(split, held_out=True, weather="100mm") for split in SPLITS if split != "source"}
    assert rain["test"] == source["test"]
    assert not rain["test"] & (source["source"] | source["val"] | rain["adapt"] | rain["val"])
    assert not rain["adapt"] & (source["source"] | rain["val"])


def divided_by(root: Path, **given: Any) -> dict[Split, list[int]]:
    domain = CamVidDomain(dataset="camvid", sequences=("N",), **given)
    used = [split for split in SPLITS if split != "source" or "shares" in given]
    return {split: numbers(load_domain("it", settings(root, domain), split)) for split in used}


def test_shares_divide_a_drive_in_order_with_a_gap(drive: Path) -> None:
    shares = (0.3, 0.3, 0.2, 0.2)

    # Nine frames, 20 to 28. The later split keeps its frames.
    assert divided_by(drive, shares=shares) == {
        "source": [20, 21, 22],
        "adapt": [23, 24],
        "val": [25, 26],
        "test": [27, 28],
    }
    assert divided_by(drive, shares=shares, gap=2) == {
        "source": [20, 21],
        "adapt": [23],
        "val": [25],
        "test": [27, 28],
    }
    assert divided_by(drive, gap=2) == {"adapt": [20, 21, 22], "val": [24], "test": [26, 27, 28]}


def test_a_gap_keeps_the_training_off_the_clip_on_both_sides(drive: Path) -> None:
    write_frame(drive, "train", "D_015", np.full((8, 12, 3), 15, np.uint8), np.zeros((8, 12), np.uint8))
    write_frame(drive, "train", "D_030", np.full((8, 12, 3), 30, np.uint8), np.zeros((8, 12), np.uint8))
    domain = CamVidDomain(dataset="camvid", sequences=("D",), gap=8)

    kept = {split: numbers(load_domain("it", settings(drive, domain), split)) for split in ("source", "test")}

    assert kept == {"source": [0, 1, 2, 3, 4, 30], "test": [12, 13]}


def test_the_clip_is_in_no_split_of_a_drive_that_shares_divide(drive: Path) -> None:
    domain = CamVidDomain(dataset="camvid", sequences=("D",), shares=(0.5, 0.0, 0.0, 0.5))

    assert numbers(load_domain("it", settings(drive, domain), "source")) == [0, 1, 2]
    assert numbers(load_domain("it", settings(drive, domain), "test")) == [3, 4, 5]
    with pytest.raises(ValueError, match=r"shares \(0\.5, 0\.0, 0\.0, 0\.5\) and gap 0 leave none"):
        load_domain("it", settings(drive, domain), "val")


def test_shares_and_held_out_exclude_one_another() -> None:
    with pytest.raises(ValueError, match="are in no split with shares"):
        CamVidDomain(dataset="camvid", held_out=True, shares=(0.5, 0.0, 0.0, 0.5))
    with pytest.raises(ValueError, match=r"shares add up to 1\.5"):
        CamVidDomain(dataset="camvid", shares=(0.5, 0.5, 0.0, 0.5))


def test_frames_above_the_limit_are_thinned_evenly(drive: Path) -> None:
    assert numbers(load(drive, "source", "D", limit=3)) == [0, 2, 5]


def test_the_part_named_test_belongs_to_the_recording(drive: Path) -> None:
    write_frame(drive, "test", "N_029", np.full((8, 12, 3), 29, np.uint8), np.zeros((8, 12), np.uint8))

    assert numbers(load(drive, "test", "N")) == [27, 28, 29]


def test_labels_stay_on_their_pixels_when_a_frame_shrinks(tmp_path: Path) -> None:
    # Of the four columns that become one, the first has the label before that of the other three.
    columns = np.broadcast_to((np.arange(40) + 3) // 4, (16, 40)).astype(np.uint8)
    for part in ("train", "val"):
        write_frame(tmp_path, part, "D_000", np.repeat(columns[..., None] * 20, 3, axis=2), columns)
    data = settings(tmp_path, CamVidDomain(dataset="camvid")).model_copy(update={"size": (8, 10)})

    frames = load_domain("it", data, "source")

    assert frames.images[0, 0, :, 0].tolist() == [20 * label + 15 for label in range(10)]
    assert frames.labels[0, 0].tolist() == [IDS.into(CITYSCAPES).classes[number] for number in range(1, 11)]


def test_a_relative_root_and_the_environment_are_understood(drive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGADA_TEST_DRIVE", str(drive))

    assert len(load("${SEGADA_TEST_DRIVE:-nowhere}", "source")) == 6


def test_a_domain_s_own_root_goes_before_that_of_all(drive: Path) -> None:
    domain = CamVidDomain(dataset="camvid", root=str(drive))

    assert len(load_domain("it", settings("nowhere", domain), "source")) == 6


def test_a_missing_root_says_how_to_set_it() -> None:
    with pytest.raises(ValueError, match=r"neither the domain's root nor data.root is set; .*SEGADA_CAMVID"):
        load(None, "source")


@pytest.mark.parametrize("folder", ["train", "trainannot", "val", "valannot"])
def test_a_missing_folder_is_named_with_the_layout(drive: Path, folder: str) -> None:
    (drive / folder).rename(drive / "elsewhere")

    with pytest.raises(ValueError, match=rf"no folder .*{folder}; .*train/\*\.png with trainannot.*set data\.root"):
        load(drive, "source")


def test_a_frame_without_labels_is_named(drive: Path) -> None:
    (drive / "trainannot" / "D_003.png").unlink()

    with pytest.raises(ValueError, match=r"no labels .*trainannot/D_003\.png for .*train/D_003\.png"):
        load(drive, "source", "D")


@pytest.mark.parametrize("folder", ["train", "trainannot"])
def test_an_unreadable_file_is_named(drive: Path, folder: str) -> None:
    (drive / folder / "D_003.png").write_bytes(b"not a picture")

    with pytest.raises(ValueError, match=rf"{folder}/D_003\.png is not an image that can be read"):
        load(drive, "source", "D")


@pytest.mark.parametrize(
    ("ids", "found"),
    [
        (np.full((8, 12), 30, np.uint8), r"id 30 at 96 pixels, but"),
        (np.zeros((8, 12, 3), np.uint8), r"shape \(8, 12, 3\)"),
    ],
)
def test_labels_in_another_format_are_refused(drive: Path, ids: np.ndarray, found: str) -> None:
    write_frame(drive, "train", "D_003", np.zeros((8, 12, 3), np.uint8), ids)

    with pytest.raises(ValueError, match=rf"D_003\.png has {found}"):
        load(drive, "source", "D")


def test_an_unknown_sequence_is_refused_with_those_that_exist(drive: Path) -> None:
    with pytest.raises(ValueError, match=r"no file of sequence '0016E5' in .*; there are D, N"):
        load(drive, "source", "0016E5")


@pytest.mark.parametrize(("split", "sequence"), [("adapt", "D"), ("source", "N")])
def test_a_sequence_that_cannot_serve_says_why(drive: Path, split: Split, sequence: str) -> None:
    with pytest.raises(ValueError, match=rf"sequences {sequence} in .* have no frames for '{split}': .*in val/ \(D\)"):
        load(drive, split, sequence)


@pytest.mark.parametrize(("split", "sequence"), [("source", "D"), ("adapt", "N"), ("val", "D")])
def test_held_out_frames_that_cannot_serve_say_why(drive: Path, split: Split, sequence: str) -> None:
    said = rf"sequences {sequence} in .* have no frames for '{split}': held_out visits frames in val/ \(D\)"
    with pytest.raises(ValueError, match=said):
        load(drive, split, sequence, held_out=True)


def test_the_photographs_show_exactly_the_eleven_classes(camvid: Path) -> None:
    data = settings(camvid, CamVidDomain(dataset="camvid", sequences=("0016E5",))).model_copy(
        update={"size": (90, 120)}
    )

    frames = load_domain("it", data, "source")

    shown = {int(label) for label in np.unique(frames.labels)}
    assert shown == {0, 1, 2, 4, 5, 7, 8, 10, 11, 12, 13, 255}
    # Sky is bright and at the top, road dark and at the bottom: images and labels belong together.
    sky, road = frames.labels == 10, frames.labels == 0
    assert frames.images[sky].mean() > frames.images[road].mean() + 50
    assert np.nonzero(sky)[1].mean() < 30 < 60 < np.nonzero(road)[1].mean()
