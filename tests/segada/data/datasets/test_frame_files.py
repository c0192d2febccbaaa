"""Patterns of files: what wildcards match, and the order of files."""

from pathlib import Path

import pytest

from segada.data.datasets.frame_files import found, named


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a/x10_i.png", "a/x9_i.png", "b/c/x1_i.png", "b/._x2_i.png", "a/x1_other.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "keys"),
    [
        ("*/*_i.png", ["a/x9", "a/x10"]),
        ("**/*_i.png", ["a/x9", "a/x10", "b/c/x1"]),
        ("**/x*_i.png", ["a/9", "a/10", "b/c/1"]),
        ("a/x?_i.png", ["9"]),
        ("a/x9_i.*", ["png"]),
        ("nothing/*", []),
    ],
)
def test_a_key_is_what_wildcards_stand_for(tree: Path, pattern: str, keys: list[str]) -> None:
    assert list(found(tree, pattern)) == keys


def test_folders_may_be_seen_from_anywhere(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tree)
    inside = tree.relative_to("/").as_posix()

    assert list(found(Path(), "*/*_i.png")) == list(found(tree, "*/*_i.png"))
    assert list(found(Path("/"), f"{inside}/a/*_i.png")) == ["x9", "x10"]
    assert list(found(Path("a/.."), "*/*_i.png")) == ["a/x9", "a/x10"]
    assert found(tree / "gone", "*/*_i.png") == {}


@pytest.mark.parametrize(
    ("pattern", "key", "file"),
    [
        ("*/*_i.png", "a/x9", "a/x9_i.png"),
        ("**/*_i.png", "b/c/x1", "b/c/x1_i.png"),
        ("masks/*.png", "3", "masks/3.png"),
        ("*/masks/*.png", "dawn/3", "dawn/masks/3.png"),
    ],
)
def test_the_file_of_a_key_is_named(pattern: str, key: str, file: str) -> None:
    assert named(pattern, key) == file
