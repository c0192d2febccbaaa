"""Keys of files: what wildcards match, one key for one name, and the order of names."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from segada.data.datasets.file_keys import FilePattern, by_numbers, in_recording_order

PARTS = st.text("ab-._1٣²é", min_size=1, max_size=4).filter(lambda part: part not in (".", ".."))
PATHS = st.lists(PARTS, min_size=1, max_size=4).map("/".join)
PATTERNS = ("**/*.png", "**/*_*.png", "*_*.png", "*/*.png", "**/a/**/*.png", "**/**/*?.png", "b?/*.*", "*/**/-*.png")


@pytest.mark.parametrize(
    ("pattern", "name", "key"),
    [
        ("*/*_i.png", "a/x9_i.png", "a/x9"),
        ("**/*_i.png", "b/c/x1_i.png", "b/c/x1"),
        ("**/*_i.png", "x1_i.png", "x1"),
        ("a/x?_i.png", "a/x9_i.png", "9"),
        ("*_*.png", "a_.png", "a/-"),
        ("*_*.png", "_a.png", "-/a"),
        ("x*y.png", "x..y.png", "..-"),
        ("./rgb//*.png", "rgb/3.png", "3"),
        ("rgb/*.*", "rgb/f.tar.JPG", "f.tar"),
        ("rgb/*.*", "rgb/Thumbs.db", None),
        ("*.png", "f.PNG", "f"),
        ("*_I.png", "f_i.png", None),
        ("rgb/*", "rgb/f.png", "f.png"),
        ("**/a/**/*.png", "x/a/y/f.png", "x/-/y/-/f"),
    ],
)
def test_a_key_is_what_wildcards_match(pattern: str, name: str, key: str | None) -> None:
    assert FilePattern(pattern).key(name) == key


@given(first=PATHS, second=PATHS, pattern=st.sampled_from(PATTERNS))
@example(first="a_", second="_a", pattern="*_*.png")
@example(first="a/b/a/c", second="a/b/b/a/c", pattern="**/a/**/*.png")
@example(first="-_a", second="_a", pattern="*_*.png")
def test_two_names_never_have_one_key(first: str, second: str, pattern: str) -> None:
    names = [unicodedata.normalize("NFC", f"{name}.png") for name in (first, second)]
    keys = [FilePattern(pattern).key(name) for name in names]

    if names[0] != names[1] and None not in keys:
        assert keys[0] != keys[1]
    for key in filter(None, keys):
        assert not set(key.split("/")) & {"", ".", ".."}


@given(name=PATHS, pattern=st.sampled_from(PATTERNS))
def test_a_key_names_its_file(name: str, pattern: str) -> None:
    file = unicodedata.normalize("NFC", f"{name}.png")
    key = FilePattern(pattern).key(file)

    if key is not None:
        assert FilePattern(pattern).name(key) == (file.removesuffix("png") + "*" if pattern.endswith(".*") else file)


@given(names=st.lists(st.text("a1٣²_/0", max_size=6)))
@example(names=["²", "1²2", "٣", "10", "9", "a1", "a01"])
def test_order_is_by_numbers_and_the_same_for_every_order_of_reading(names: list[str]) -> None:
    ordered = in_recording_order(names)

    assert ordered == in_recording_order(reversed(names))
    assert [by_numbers(name) for name in ordered] == sorted(map(by_numbers, names))


def test_digits_are_compared_as_numbers() -> None:
    assert in_recording_order(["frame10", "frame9", "frame²", "frame٣"]) == ["frame٣", "frame9", "frame10", "frame²"]


@pytest.mark.parametrize(
    ("pattern", "folder", "entered"),
    [
        ("*/rgb/*.png", "d1", True),
        ("*/rgb/*.png", "d1/rgb", True),
        ("*/rgb/*.png", "d1/ids", False),
        ("*/rgb/*.png", "d1/rgb/old", False),
        ("rgb/**/*.png", "rgb/a/b", True),
        ("d*/*.png", "noon", False),
    ],
)
def test_folders_that_a_pattern_enters(pattern: str, folder: str, entered: bool) -> None:
    assert FilePattern(pattern).enters(folder) is entered


def test_the_two_forms_of_an_accent_are_one() -> None:
    composed, apart = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))

    assert composed != apart
    assert FilePattern(f"{apart}/*_{composed}.png").key(f"{composed}/1_{composed}.png") == "1"
