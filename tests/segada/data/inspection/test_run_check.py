"""`python -m segada.data check FILE`: the data of a run, read as the run reads them."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from pairs_of_folders import blank, write_pairs
from published_trees import ids, picture, write

from segada.data.__main__ import main
from segada.engine.run_data import prepare_data
from segada.errors import InputError
from segada.records import DataCheck
from segada.settings.files import load_run_settings

Change = Callable[[Path], None]


def replaced(old: str, new: str) -> Change:
    """Changes the settings."""

    def change(root: Path) -> None:
        text = (root / "run.yaml").read_text(encoding="utf-8")
        assert old in text
        (root / "run.yaml").write_text(text.replace(old, new), encoding="utf-8")

    return change


def colored(root: Path) -> None:
    write(root / "day" / "ids" / "00.png", picture(0))


def strange(root: Path) -> None:
    write(root / "day" / "ids" / "00.png", ids(0, (0, 1, 2, 8, 10, 13, 18, 77)))


def deep(root: Path) -> None:
    write(root / "rain" / "rgb" / "00.png", picture(0).astype(np.uint16) * 256)


def unlabelled(root: Path) -> None:
    (root / "day" / "ids" / "00.png").unlink()


def torn(root: Path) -> None:
    path = root / "rain" / "rgb" / "00.png"
    path.write_bytes(path.read_bytes()[:-30])


def narrow(root: Path) -> None:
    write(root / "day" / "ids" / "00.png", ids(0, (0, 1))[:, :48])


def blank_everywhere(root: Path) -> None:
    blank(root, "day")
    blank(root, "rain")


WRONG: dict[str, tuple[Change, int, str]] = {
    "no image fits": (replaced("day/rgb/*.png", "day/*.jpg"), 9, "data.domains.day.images: domain 'day': no files"),
    "no label fits": (
        replaced("day/ids/*.png", "day/ids/*.tif"),
        10,
        "data.domains.day.labels: domain 'day': no files",
    ),
    "no root": (replaced("  root: ", "  root: /nowhere"), 4, "data.root: domain 'day': no folder /nowhere"),
    "unset root": (
        replaced("  root: ", "  root: ${SEGADA_NOT_SET}"),
        4,
        "data.root: domain 'day': environment",
    ),
    "empty split": (
        replaced("[0, 0.5, 0.25", "[0, 0, 0.25"),
        16,
        "data.domains.rain.shares: domain 'rain'",
    ),
    "a label is missing": (unlabelled, 10, "data.domains.day.labels: domain 'day': no labels"),
    "an id is strange": (strange, 10, "data.domains.day.labels: domain 'day'"),
    "a class lacks": (
        replaced("[0.4, 0.2, 0.2, 0.2]", "[0.4, 0.2, 0.2, 0.2]\n      classes: {road: [0]}"),
        12,
        "data.domains.day.classes: domain 'day'",
    ),
    "labels are colors": (colored, 10, "data.domains.day.labels: domain 'day'"),
    "16 bits": (deep, 14, "data.domains.rain.images: domain 'rain'"),
    "cut off": (torn, 12, "data.domains.rain: domain 'rain': 1 of 15 frames cannot be read"),
    "not of one frame": (narrow, 7, "data.domains.day: domain 'day': 1 of 16 frames cannot be read"),
    "nothing to score": (blank_everywhere, 7, "data.domains.day: no labelled pixel is in the held-out frames (test)"),
    "too large": (replaced("[32, 64]", "[8192, 8192]"), 3, "data.size: data.size is 8192 x 8192"),
}


@pytest.mark.parametrize("fault", WRONG)
def test_what_a_run_would_end_with_is_said_with_its_line(
    fault: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("segada.data.run_frames.physical_memory", lambda: 2**32)
    change, line, said = WRONG[fault]
    file = write_pairs(tmp_path)
    change(tmp_path)

    assert main(["check", str(file)]) == 2

    printed = capsys.readouterr()
    assert f"error: {file}:{line}: {said}" in printed.err
    assert f"problem: {file}:{line}: " in printed.out
    # The same reader: such a run ends with the same words.
    with pytest.raises(InputError) as refusal:
        prepare_data(load_run_settings(file))
    assert str(refusal.value).partition(": ")[2][:60] in printed.err


def test_good_data_are_shown_by_domain_and_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_pairs(tmp_path)

    assert main(["check", str(file)]) == 0

    rows = {line.split()[1]: line.split()[3:] for line in capsys.readouterr().out.splitlines() if "folders" in line}
    assert [one for one in rows["day"] if one != "│"] == ["folders", "8*", "4*", "4", "4*"]
    assert [one for one in rows["rain"] if one != "│"] == ["folders", "-", "10*", "5", "5*"]


def test_json_is_one_document_for_all_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good, bad = write_pairs(tmp_path / "good"), write_pairs(tmp_path / "bad")
    strange(tmp_path / "bad")
    (tmp_path / "good" / "day" / "rgb" / "beside.jpg").touch()

    assert main(["check", "--json", str(good), str(bad)]) == 2

    found = {name: DataCheck.model_validate(one) for name, one in json.loads(capsys.readouterr().out).items()}
    assert found[str(good)].problems == []
    assert found[str(good)].left_out == {"pictures that match no pattern": 1}
    day = found[str(good)].domains["day"]
    assert (day.frames, day.needed, day.read) == (
        {"source": 8, "adapt": 4, "val": 4, "test": 4},
        ["adapt", "source", "test"],
        16,
    )
    assert [one.path for one in found[str(bad)].problems] == [("data", "domains", "day", "labels")]
    assert "has id 77 at" in found[str(bad)].problems[0].text


def test_settings_can_be_changed_for_the_check(tmp_path: Path) -> None:
    file = write_pairs(tmp_path)
    strange(tmp_path)
    changes = ("data.domains.day.unlisted=ignore", "data.domains.day.classes={road: [0]}")

    assert main(["check", str(file)]) == 2
    assert main(["check", str(file), "--set", changes[0], "--set", changes[1]]) == 0


def test_a_domain_that_the_run_does_not_use_is_a_note(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_pairs(tmp_path)
    deep(tmp_path)
    replaced("visits: [rain, day]", "visits: [day]")(tmp_path)

    assert main(["check", str(file)]) == 0

    assert f"note: {file}:14: data.domains.rain.images: domain 'rain'" in capsys.readouterr().out


def test_only_the_frames_that_were_read_are_known_unless_all_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_pairs(tmp_path)
    replaced("[0, 0.5, 0.25, 0.25]", "[0, 0.8, 0.1, 0.1]")(tmp_path)
    write(tmp_path / "rain" / "ids" / "01.png", ids(0, (0, 77)))

    assert main(["check", str(file)]) == 0
    assert main(["check", str(file), "--all"]) == 2

    assert "has id 77 at" in capsys.readouterr().err


def test_domains_without_a_stream_are_checked_on_their_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_pairs(tmp_path)
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: text.index("stream:")], encoding="utf-8")

    assert main(["check", str(file)]) == 0
    deep(tmp_path)
    assert main(["check", str(file)]) == 2

    assert "data.domains.rain.images" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["run.yaml", "--labels", "x"], "--labels is for folders, and run.yaml is none"),
        ([".", "--set", "seed=1"], "--set is for files of settings, and . is none"),
        (["gone.yaml"], "gone.yaml: cannot be read"),
        (["study.yaml"], "study.yaml:1: run: is a section of a study; a study is checked by hpo space check"),
        (["wrong.yaml"], "wrong.yaml:1: dta: there is no such key"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write_pairs(Path())
    Path("study.yaml").write_text("run: {}", encoding="utf-8")
    Path("wrong.yaml").write_text("dta: {}", encoding="utf-8")

    assert main(["check", *words]) == 2

    assert f"error: {said}" in capsys.readouterr().err
