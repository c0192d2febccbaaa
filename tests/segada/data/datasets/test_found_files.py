"""Files that patterns find below a folder, and what they leave out."""

import os
import unicodedata
from pathlib import Path

import pytest

from segada.data.datasets.found_files import MissingFolder, found, passed_over
from segada.data.datasets.left_out import (
    AS_TEXT,
    DANGLING,
    FORBIDDEN,
    HIDDEN,
    INCOMPLETE,
    LOOPS,
    NOT_ENTERED,
    SPECIAL,
    UNMATCHED,
)

COMPOSED, APART = (unicodedata.normalize(form, "caf\u00e9") for form in ("NFC", "NFD"))


def touch(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def keys(root: Path, pattern: str) -> list[str]:
    return list(found(root, pattern).files)


def left_out(root: Path, *patterns: str) -> dict[str, set[str]]:
    passed = passed_over([found(root, pattern) for pattern in patterns])
    return {reason: {str(path.relative_to(root)) for path in paths} for reason, paths in passed.items()}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("*/*_i.png", ["a/x9", "a/x10"]),
        ("**/*_i.png", ["a/x9", "a/x10", "b/c/x1"]),
        ("**/x*_i.png", ["a/9", "a/10", "b/c/1"]),
        ("a/x?_i.png", ["9"]),
        ("nothing/*", []),
        ("../*/a/x?_i.png", ["it/9"]),
    ],
)
def test_keys_are_in_the_order_of_the_recording(tmp_path: Path, pattern: str, expected: list[str]) -> None:
    root = touch(tmp_path / "it", "a/x10_i.png", "a/x9_i.png", "b/c/x1_i.png", "b/._x2_i.png", "a/x1_other.png")

    assert keys(root, pattern) == expected


def test_folders_may_be_seen_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    touch(tmp_path, "a/x10_i.png", "a/x9_i.png", "f.png")
    monkeypatch.chdir(tmp_path)
    inside = tmp_path.relative_to("/").as_posix()

    assert keys(Path(), "*/*_i.png") == keys(tmp_path, "*/*_i.png") == ["a/x9", "a/x10"]
    assert keys(Path("/"), f"{inside}/a/*_i.png") == ["x9", "x10"]
    assert keys(Path("a/.."), "*/*_i.png") == ["a/x9", "a/x10"]
    assert found(Path(), "*.png").files == {"f": Path("f.png")}
    assert found(tmp_path / "gone", "*/*_i.png").files == {}


def test_linked_folders_are_followed_at_every_depth(tmp_path: Path) -> None:
    touch(tmp_path / "store", "d1/0.jpg", "d1/1.jpg", "d2/in/0.jpg")
    root = touch(tmp_path / "imgs", "d0/0.jpg")
    for drive in ("d1", "d2"):
        (root / drive).symlink_to(f"../store/{drive}")
    (tmp_path / "whole").symlink_to("imgs")

    for folder in (root, tmp_path / "whole"):
        assert keys(folder, "**/*.jpg") == ["d0/0", "d1/0", "d1/1", "d2/in/0"]
        assert keys(folder, "*/*.jpg") == ["d0/0", "d1/0", "d1/1"]
        assert keys(folder, "d1/*.jpg") == ["0", "1"]


@pytest.mark.parametrize("target", [".", "..", "../..", "../b"])
def test_links_in_a_circle_end(tmp_path: Path, target: str) -> None:
    root = touch(tmp_path / "it", "a/0.png", "b/1.png")
    (root / "a" / "link").symlink_to(target)
    (root / "b" / "link").symlink_to("../a")

    files = found(root, "**/*.png")

    assert {"a/0", "b/1"} <= set(files.files)
    assert files.left_out[LOOPS]
    assert {key for key, path in files.files.items() if path.parent not in files.again} == {"a/0", "b/1"}


def test_a_suffix_is_found_in_any_case_and_two_files_of_a_key_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, "a/0.png", "a/1.PNG", "a/2.Png", "b/f.png", "b/F.PNG", "c/f.png", "c/f.PNG", "d/0.jpg", "d/0.png")

    assert keys(tmp_path, "a/*.png") == keys(tmp_path, "a/*.PNG") == ["0", "1", "2"]
    assert keys(tmp_path, "b/*.png") == ["F", "f"]
    with pytest.raises(
        ValueError, match=r"files that c/\*\.png cannot tell apart: .*/c/f\.PNG and .*/c/f\.png; a frame"
    ):
        found(tmp_path, "c/*.png").some()
    with pytest.raises(ValueError, match=r"cannot tell apart: .*d/0\.jpg and .*d/0\.png; .* remove the others, or"):
        found(tmp_path, "d/*.*").some()


def test_names_with_accents_are_found_in_either_form_and_two_of_them_are_refused(tmp_path: Path) -> None:
    touch(tmp_path, f"{APART}/1_{COMPOSED}.png", f"{APART}/2_{APART}.png", f"equal/{COMPOSED}.png")

    assert keys(tmp_path, f"{COMPOSED}/*_{APART}.png") == ["1", "2"]
    assert keys(tmp_path, "equal/*.png") == [COMPOSED]
    touch(tmp_path, f"equal/{APART}.png")
    with pytest.raises(ValueError, match=r"the names differ in how accents are stored, NFC or NFD"):
        found(tmp_path, "equal/*.png").some()


def test_any_suffix_is_that_of_a_picture(tmp_path: Path) -> None:
    touch(tmp_path, "0.jpg", "1.JPEG", "2.tif", "Thumbs.db", "notes.txt", "3")

    assert keys(tmp_path, "*.*") == ["0", "1", "2"]
    assert left_out(tmp_path, "*.*") == {}


def test_what_is_left_out_of_a_folder_has_a_reason(tmp_path: Path) -> None:
    root = touch(tmp_path, "d1/rgb/0.png", "d1/rgb/._0.png", "d1/rgb/.DS_Store", "d1/rgb/1.jpeg", "d1/rgb/sub/2.png")
    touch(root, "d1/rgb/notes.txt", "d2/RGB/0.png", "other/0.png", ".cache/rgb/0.png", "d1/ids/0.png")
    (root / "d1/rgb/3.png").symlink_to("gone.png")
    (root / "d1/rgb/4.png").symlink_to("4.png")
    (root / "d3").symlink_to("gone")
    (root / "d4").write_text("../store/d4")
    os.mkfifo(root / "d1/rgb/5.png")

    assert keys(root, "d*/rgb/*.png") == ["1/0"]
    assert left_out(root, "d*/rgb/*.png", "d*/ids/*.png") == {
        HIDDEN: {"d1/rgb/._0.png", ".cache"},
        UNMATCHED: {"d1/rgb/1.jpeg"},
        NOT_ENTERED: {"d1/rgb/sub", "other"},
        INCOMPLETE: {"d2"},
        DANGLING: {"d1/rgb/3.png", "d1/rgb/4.png", "d3"},
        AS_TEXT: {"d4"},
        SPECIAL: {"d1/rgb/5.png"},
    }


def test_pictures_that_are_not_below_the_folder_after_stars_are_left_out(tmp_path: Path) -> None:
    root = touch(tmp_path, "a/rgb/0.png", "a/ids/0.png", "a/b/RGB/1.png", "2.png", "a/b/ids/1.png", "a/b/.3.png")

    assert left_out(root, "**/rgb/*.png", "**/ids/*.png") == {
        UNMATCHED: {"a/b/RGB/1.png", "2.png"},
        HIDDEN: {"a/b/.3.png"},
    }


def test_what_another_pattern_takes_is_not_left_out(tmp_path: Path) -> None:
    touch(tmp_path, "0.jpg", "0_ids.png", "0_depth.png", "held/out/1.jpg", "0_color.png")
    patterns = [found(tmp_path, "*.jpg"), found(tmp_path, "*_ids.png")]

    assert passed_over(patterns, ("*_depth.png", "held/**/*.jpg")) == {UNMATCHED: (tmp_path / "0_color.png",)}


def test_hidden_files_are_found_where_the_pattern_asks_for_them(tmp_path: Path) -> None:
    touch(tmp_path, ".store/.0.png", ".store/1.png")

    assert keys(tmp_path, ".store/.*.png") == ["0"]
    assert keys(tmp_path, ".store/*.png") == ["1"]


def test_a_folder_that_may_not_be_read_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root, list_folder = touch(tmp_path, "d1/0.png", "d2/0.png"), os.scandir

    def refusing(path: Path) -> object:
        if path.name == "d2":
            raise PermissionError(13, "Permission denied")
        return list_folder(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refusing)

        assert keys(root, "**/*.png") == keys(root, "*/*.png") == ["d1/0"]
        assert left_out(root, "**/*.png") == {FORBIDDEN: {"d2"}}


def test_an_error_says_what_is_in_the_folder_instead(tmp_path: Path) -> None:
    touch(tmp_path, *(f"rgb/{number}.jpg" for number in range(5)))

    said = (
        r"no files rgb/\*\.png in .* \(pictures that match no pattern: 5 \(.*/0\.jpg, .*/1\.jpg, .*/2\.jpg, \.\.\.\)\)"
    )
    with pytest.raises(MissingFolder, match=said):
        found(tmp_path, "rgb/*.png").some()


def test_a_folder_listed_twice_is_known_by_its_name_without_links(tmp_path: Path) -> None:
    touch(tmp_path, "z/0.png")
    for name in ("a", "b"):
        (tmp_path / name).symlink_to("z")

    assert found(tmp_path, "*/*.png").again == {tmp_path / "a", tmp_path / "b"}
    assert found(tmp_path, "?/*.png").ambiguous == ()
