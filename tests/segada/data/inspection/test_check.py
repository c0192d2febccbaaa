"""`python -m segada.data check`: recognized data sets, problems of files, and suggested settings."""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from loaded_frames import load_domain
from PIL import Image
from published_trees import SIZE, TREES, picture, write

from segada.data.__main__ import main
from segada.data.datasets.registry import count_frames
from segada.settings import RunSettings
from segada.settings.files import load_run_settings

TOLD = "# settings that use it"


def check(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["segada.data", "check", *map(str, arguments)])
    return main()


def settings_in(said: str, folder: Path) -> RunSettings:
    file = folder / "suggested.yaml"
    file.write_text(said[said.index(TOLD) :])
    return load_run_settings(file)


@pytest.mark.parametrize("name", [name for name in TREES if name not in ("coco", "folders")])
def test_a_data_set_is_recognized_and_the_settings_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    TREES[name](tmp_path / "it")
    root = tmp_path / "it" / ("weather" if name == "rainy_cityscapes" else "")

    assert check(monkeypatch, root) == 0

    said = capsys.readouterr().out
    assert f"{root} is {name}" in said
    settings = settings_in(said, tmp_path)
    data = settings.data.model_copy(update={"size": SIZE})
    needed = ((settings.stream.source, "source"), *((name, "adapt") for name in settings.stream.visits))
    for domain, split in (*needed, *((domain, "test") for domain in settings.scored_domains())):
        assert count_frames(domain, data, split) >= 3  # type: ignore[arg-type]
        assert settings.data.domains[domain].dataset == name
    assert settings.data.size == (64, 96)
    assert "ignored, of all pixels" in said


def test_photographs_of_camvid(
    camvid: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert check(monkeypatch, camvid) == 0

    said = capsys.readouterr().out
    settings = settings_in(said, tmp_path)
    assert settings.stream.source == "0016E5"
    assert settings.stream.visits == ("0001TP", "0006R0")
    assert "images are 480 x 360 (72)" in said


def test_a_folder_above_or_inside_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    TREES["acdc"](tmp_path / "ours" / "acdc")
    TREES["gta5"](tmp_path / "ours" / "gta")

    assert check(monkeypatch, tmp_path / "ours") == 0
    both = capsys.readouterr().out
    assert check(monkeypatch, tmp_path / "ours" / "acdc" / "rgb_anon" / "fog") == 0
    inner = capsys.readouterr().out

    settings = settings_in(both, tmp_path)
    assert set(settings.data.domains) == {"fog", "night", "gta5"}
    assert len(load_domain("gta5", settings.data.model_copy(update={"size": SIZE}), "test")) == 6
    assert set(settings_in(inner, tmp_path).data.domains) == {"fog", "night"}


def test_labels_elsewhere_are_asked_for_and_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    TREES["rainy_cityscapes"](tmp_path / "it")
    (tmp_path / "it" / "Cityscapes").rename(tmp_path / "truth")

    assert check(monkeypatch, tmp_path / "it" / "weather") == 2
    lost = capsys.readouterr()
    assert check(monkeypatch, tmp_path / "it" / "weather", "--labels", tmp_path / "truth") == 0
    told = capsys.readouterr()

    assert "labels_root, if gtFine is elsewhere" in lost.out
    assert "domains that lack frames which a run needs: 50mm" in lost.err
    assert len(load_domain("50mm", settings_in(told.out, tmp_path).data, "test")) == 6


def test_archives_in_folders_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    TREES["acdc"](tmp_path)
    for folder, inside in (("rgb_anon_trainvaltest", "rgb_anon"), ("gt_trainval", "gt")):
        (tmp_path / folder).mkdir()
        (tmp_path / inside).rename(tmp_path / folder / inside)

    assert check(monkeypatch, tmp_path) == 0

    assert count_frames("night", settings_in(capsys.readouterr().out, tmp_path).data, "adapt") == 12


def test_what_is_wrong_is_named_and_said_again_in_the_last_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    TREES["gta5"](tmp_path)
    labels, images = tmp_path / "labels", tmp_path / "images"
    (labels / "00007.png").unlink()
    (images / "00009.png").unlink()
    (images / "00011.png").write_bytes((images / "00011.png").read_bytes()[:-30])
    write(labels / "00013.png", np.full(SIZE, 99, np.uint8))
    Image.fromarray(picture(3)).save(labels / "00014.png")
    assert cv2.imwrite(str(images / "00015.png"), picture(4).astype(np.uint16) * 256)
    opaque = np.dstack([picture(5), np.full(SIZE, 255, np.uint8)])
    Image.fromarray(opaque).save(images / "00016.png")
    write(images / "00017.png", cv2.resize(picture(6), (2 * SIZE[1], 2 * SIZE[0])))

    assert check(monkeypatch, tmp_path, "--all") == 2

    said = capsys.readouterr()
    assert f"images without labels; there should be (1):\n  {labels / '00007.png'}\n" in said.out
    assert f"labels without image; a run leaves them out (1):\n  {labels / '00009.png'}\n" in said.out
    assert f"{images / '00011.png'} is cut off" in said.out
    assert f"{labels / '00013.png'} has id 99 at" in said.out
    assert f"{labels / '00014.png'} has shape (48, 96, 3): colors, not ids" in said.out
    assert f"{images / '00015.png'} has 16 bits a channel" in said.out
    assert f"images of colors and opacity, converted to colors: 1, the first of them {images / '00016.png'}" in said.out
    assert f"{images / '00017.png'} (192 x 96)" in said.out
    assert said.err.endswith(
        f"error: {tmp_path}: frames that cannot be used: 4, images without labels: 1; they are listed above: copy "
        "them again, or remove them with their images or labels\n"
    )


def test_what_is_left_out_of_the_folders_is_counted_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    TREES["gta5"](tmp_path / "it")
    images = tmp_path / "it" / "images"
    (images / "00001.png").rename(images / "00001.PNG")
    for name in ("00061.jpg", "._00002.png", ".DS_Store", "notes.txt"):
        (images / name).touch()
    (images / "more").mkdir()
    (images / "00062.png").symlink_to("gone.png")

    assert check(monkeypatch, tmp_path / "it", "--all") == 0

    said = capsys.readouterr().out
    assert "frames that were read: 60" in said
    for reason, name in (
        ("pictures that match no pattern", "00061.jpg"),
        ("hidden files and folders", "._00002.png"),
        ("folders that no pattern enters", "more"),
        ("links without a target", "00062.png"),
    ):
        assert f"{reason}; a run leaves them out (1):\n  {images / name}\n" in said

    assert check(monkeypatch, tmp_path / "it", "--json") == 0
    (found,) = json.loads(capsys.readouterr().out).values()
    assert {*found["left_out"].values()} == {1}
    assert len(found["left_out"]) == 4


def test_drives_sorted_by_links_are_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    TREES["shift"](tmp_path / "it")
    for kind in ("imgs", "semsegs"):
        for part in ("train", "val"):
            folder = tmp_path / f"it/discrete/images/{part}/front/small_rain-daytime/{kind}"
            for number, drive in enumerate(sorted(folder.iterdir())):
                stored = tmp_path / "store" / part / str(number) / kind
                stored.parent.mkdir(parents=True, exist_ok=True)
                drive.rename(stored)
                drive.symlink_to(stored)

    assert check(monkeypatch, tmp_path / "it", "--all") == 0

    assert "frames that were read: 60" in capsys.readouterr().out


def test_two_files_of_a_frame_are_named_and_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    TREES["gta5"](tmp_path)
    (tmp_path / "images" / "00001.PNG").write_bytes((tmp_path / "images" / "00001.png").read_bytes())

    assert check(monkeypatch, tmp_path) == 2

    assert "domain gta5: files that *.png cannot tell apart: " in capsys.readouterr().out


def test_some_are_read_unless_all_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    TREES["synthia"](tmp_path)

    assert check(monkeypatch, tmp_path) == 0
    assert "frames that were read: 26" in capsys.readouterr().out
    assert check(monkeypatch, tmp_path, "--all") == 0
    assert "frames that were read: 60" in capsys.readouterr().out


def test_a_folder_that_is_nothing_known_is_described_with_what_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("photos", "masks"):
        (tmp_path / "it" / name).mkdir(parents=True)
    (tmp_path / "it" / "notes.txt").touch()

    assert check(monkeypatch, tmp_path / "it") == 2

    said = capsys.readouterr()
    assert f"{tmp_path / 'it'} has masks/, notes.txt, photos/\n" in said.out
    assert "  gta5: images/<number>.png with labels/<number>.png" in said.out
    assert said.err == (
        f"error: {tmp_path / 'it'}: is no data set in a known layout; give patterns of its files with dataset: "
        "folders, and check the file of settings that has them\n"
    )


def test_wrong_arguments_are_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert check(monkeypatch, tmp_path / "gone") == 2
    assert "there is no such folder (seen from " in capsys.readouterr().err
    assert check(monkeypatch, tmp_path, "--dataset", "cityscape") == 2
    assert capsys.readouterr().err.endswith("there is no such layout; did you mean cityscapes?\n")
    TREES["gta5"](tmp_path)
    assert check(monkeypatch, tmp_path, "--dataset", "synthia") == 2
    assert "is no data set in a known layout" in capsys.readouterr().err


def test_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "it").mkdir()

    assert check(monkeypatch, tmp_path / "it") == 2

    assert "has nothing in it" in capsys.readouterr().out
