"""`segada init`: both files pass the checks, nothing is overwritten, and what cannot be used is said in one line."""

import json
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest
import yaml
from own_trees import CROPS, blocks, photo, write_cracks, write_fields, write_one_folder
from published_trees import TREES, write
from waste_set import write_waste

from hpo.config.study_file import load_study
from hpo.space import main as space
from segada.data.__main__ import main as data
from segada.init import main
from segada.settings.files import load_run_settings

LEFT_OUT = ("coco", "folders", "video")


def _coco(root: Path) -> None:
    write_waste(root / "day", 12)
    write_waste(root / "evening", 12, dark=True)


OWN: dict[str, Callable[[Path], object]] = {
    "cracks": write_cracks,
    "fields": write_fields,
    "one_folder": write_one_folder,
    "waste": _coco,
}
PUBLISHED = {name: tree for name, tree in TREES.items() if name not in LEFT_OUT}


def _init(*words: object) -> int:
    return main([str(word) for word in words])


@pytest.mark.parametrize("name", [*OWN, *PUBLISHED])
def test_both_files_pass_their_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str) -> None:
    root = tmp_path / name
    (OWN | PUBLISHED)[name](root)
    if name == "rainy_cityscapes":
        root = root / "weather"
    assert _init(root, "--out", tmp_path / "out") == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-3:] == [
        f"  segada data check {tmp_path / 'out' / 'settings.yaml'}",
        f"  hpo space check {tmp_path / 'out' / 'study.yaml'}",
        f"  hpo run --space {tmp_path / 'out' / 'study.yaml'}",
    ]
    assert data(["check", str(tmp_path / "out" / "settings.yaml")]) == 0
    study = load_study(tmp_path / "out" / "study.yaml")
    settings = load_run_settings(tmp_path / "out" / "settings.yaml")
    assert settings.data.model_dump() == study.run_settings().data.model_dump()


def test_the_study_passes_the_check_of_the_command(tmp_path: Path) -> None:
    write_fields(tmp_path / "fields")
    assert _init(tmp_path / "fields", "--out", tmp_path) == 0
    assert space(["check", str(tmp_path / "study.yaml")]) == 0


def test_own_classes_train_a_source_model_and_are_to_be_named(tmp_path: Path) -> None:
    write_cracks(tmp_path / "cracks")
    assert _init(tmp_path / "cracks", "--out", tmp_path) == 0
    text = (tmp_path / "study.yaml").read_text()
    study = yaml.safe_load(text)
    assert "names:  # name these" in text
    assert study["run"]["model"] == {"checkpoint": None}
    assert study["run"]["stream"]["source"] == "road"
    assert study["run"]["stream"]["visits"] == ["tunnel"]
    assert study["pretrain"]["stream"]["visits"] == ["road"] * 4


def test_classes_of_cityscapes_take_the_shipped_model(tmp_path: Path) -> None:
    TREES["acdc"](tmp_path / "acdc")
    assert _init(tmp_path / "acdc", "--out", tmp_path) == 0
    settings = load_run_settings(tmp_path / "settings.yaml")
    assert settings.model.checkpoint == "streets_tiny"
    assert (settings.stream.source, settings.stream.visits) == ("fog", ("night",))


def test_the_only_domain_of_streets_is_adapted_to_in_rendered_weather(tmp_path: Path) -> None:
    TREES["cityscapes"](tmp_path / "city")
    assert _init(tmp_path / "city", "--out", tmp_path) == 0
    settings = load_run_settings(tmp_path / "settings.yaml")
    assert (settings.stream.source, settings.stream.visits) == ("clear", ("rain", "fog"))
    assert settings.data.domains["rain"].weather == "100mm"  # type: ignore[union-attr]


def test_several_folders_of_other_classes_share_those_of_the_first(tmp_path: Path) -> None:
    write_fields(tmp_path / "fields")
    for number in range(12):
        labels = blocks(number, range(2))
        write(tmp_path / "farm" / "images" / f"{number}.jpg", photo(number, labels))
        write(tmp_path / "farm" / "labels" / f"{number}.png", labels)
    (tmp_path / "farm" / "classes.txt").write_text("soil\nweed\n")
    assert _init(tmp_path / "fields", tmp_path / "farm", "--out", tmp_path) == 0
    settings = load_run_settings(tmp_path / "settings.yaml")
    assert settings.data.classes.names == tuple(CROPS)
    assert settings.stream.visits == ("rainy", "farm")
    farm = settings.data.domains["farm"]
    assert farm.label_set.names == ("soil", "weed")  # type: ignore[union-attr]


def _write_targets(root: Path) -> None:
    for number in range(12):
        write(root / "frames" / f"{number}.jpg", photo(number, blocks(number, range(3)), 0.4))


@pytest.mark.parametrize("has_source", [True, False])
def test_images_without_labels_are_targets(tmp_path: Path, has_source: bool) -> None:
    _write_targets(tmp_path / "new")
    write_cracks(tmp_path / "cracks")
    labelled = [tmp_path / "cracks" / "road"] if has_source else []
    assert _init(*labelled, tmp_path / "new", "--out", tmp_path) == 0
    assert data(["check", str(tmp_path / "settings.yaml")]) == 0
    study = load_study(tmp_path / "study.yaml")
    run = study.run_settings()
    assert (run.stream.source, run.stream.visits) == ("road" if has_source else None, ("new",))
    assert study.settings.objectives[0].metric == "label_free/information_maximization"


def test_a_video_is_a_target(tmp_path: Path) -> None:
    write_cracks(tmp_path / "cracks")
    _write_film(tmp_path / "night.avi")
    assert _init(tmp_path / "cracks", tmp_path / "night.avi", "--out", tmp_path) == 0
    assert data(["check", str(tmp_path / "settings.yaml")]) == 0
    assert load_study(tmp_path / "study.yaml").run_settings().stream.visits == ("night", "tunnel")


def _write_film(path: Path) -> None:
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for number in range(40):
        film.write(photo(number, blocks(number, range(3))))
    film.release()


def test_videos_that_are_left_out_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "films").mkdir()
    _write_film(tmp_path / "films" / "a.avi")
    (tmp_path / "films" / "b.mp4").write_bytes(b"")
    (tmp_path / "films" / "C.AVI").write_bytes((tmp_path / "films" / "a.avi").read_bytes())
    assert _init(tmp_path / "films", "--out", tmp_path) == 0
    said = capsys.readouterr().out
    assert f"  1 videos are left out, the first of which is {tmp_path}/films/b.mp4; name such files" in said
    assert "domain films: 80 images" in said


def test_a_file_is_never_overwritten(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cracks(tmp_path / "cracks")
    (tmp_path / "study.yaml").write_text("mine")
    assert _init(tmp_path / "cracks", "--out", tmp_path) == 2
    assert capsys.readouterr().err == (
        f"error: {tmp_path}/study.yaml: is there already and is not overwritten; name another folder with --out, or "
        "move it\n"
    )
    assert (tmp_path / "study.yaml").read_text() == "mine"
    assert not (tmp_path / "settings.yaml").exists()


def test_what_cannot_be_used_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ("--out", tmp_path / "out")
    (tmp_path / "empty").mkdir()
    assert _init(tmp_path / "empty", *out) == 2
    said = capsys.readouterr().err
    assert said.startswith(
        f"error: {tmp_path}/empty: holds nothing recognizable; looked for published layouts (camvid, "
    )
    assert said.count("\n") == 1
    assert _init(tmp_path / "gone", *out) == 2
    assert "there is no such folder" in capsys.readouterr().err
    for number in range(6):
        pixels = blocks(number, range(3))
        write(tmp_path / "lossy" / "images" / f"{number}.jpg", photo(number, pixels))
        write(tmp_path / "lossy" / "masks" / f"{number}.jpg", pixels)
    assert _init(tmp_path / "lossy", *out) == 2
    assert "the labels in masks/ are JPEGs or the like" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_images_of_which_some_lack_labels_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_cracks(tmp_path / "cracks")
    gone = tmp_path / "cracks" / "road" / "train" / "masks" / "3.png"
    gone.unlink()
    assert _init(tmp_path / "cracks", "--out", tmp_path / "out") == 2
    said = (
        f"1 images have no label file, the first of which would be {gone}; move these images to a folder of their own"
    )
    assert said in capsys.readouterr().err


def test_labels_that_a_run_cannot_read_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_waste(tmp_path / "waste", 12)
    content = json.loads(path.read_text())
    for annotation in content["annotations"]:
        annotation["segmentation"] = []
    path.write_text(json.dumps(content))
    assert _init(tmp_path / "waste", "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "has no segmentation, only a box" in said
    assert said.endswith("nothing was written\n")
    assert not (tmp_path / "out").exists()
