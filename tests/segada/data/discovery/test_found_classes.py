"""Classes of label files by their ids or colors, by tables beside them, and numbered where nothing names them."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from segada.data.datasets.label_maps import GivenIds
from segada.data.discovery.class_tables import ClassTable, class_table
from segada.data.discovery.found_classes import FoundClasses, found_classes
from segada.data.discovery.label_contents import MOST_READ, read_contents
from segada.settings.class_sets import CITYSCAPES, CLASS_SETS

Table = Mapping[str, object]


def _found(folder: Path, pixels: object, table: ClassTable | None = None, words: str = "") -> FoundClasses:
    path = folder / "labels.png"
    Image.fromarray(np.asarray(pixels, np.uint8)).save(path)
    found = found_classes(read_contents([path]), table, words)
    assert found is not None
    return found


def test_masks_of_0_and_255_are_two_classes(tmp_path: Path) -> None:
    found = _found(tmp_path, [[0, 0, 255]])
    assert (found.classes.names, found.is_named) == (("background", "foreground"), False)
    assert found.settings == {"classes": {"0": [0], "1": [255]}}


def test_smoothed_edges_of_a_mask_are_ignored(tmp_path: Path) -> None:
    pixels = np.zeros((40, 40), np.uint8)
    pixels[20:] = 255
    pixels[20, :10] = range(100, 110)
    found = _found(tmp_path, pixels)
    assert found.settings == {"classes": {"0": [0], "1": [255]}, "unlisted": "ignore"}


@pytest.mark.parametrize(
    ("ids", "names", "first_id"),
    [
        ([0, 1, 2, 255], ("class_0", "class_1", "class_2"), 0),
        ([1, 2, 4], ("class_1", "class_2", "class_3", "class_4"), 1),
    ],
)
def test_ids_in_a_row_are_numbered_classes(
    tmp_path: Path, ids: list[int], names: tuple[str, ...], first_id: int
) -> None:
    found = _found(tmp_path, [ids])
    assert (found.classes.names, found.classes.first_id, found.is_named) == (names, first_id, False)
    assert found.settings == {}
    assert GivenIds({}).into(found.classes).classes[ids[-2]] >= 0


def test_scattered_ids_are_given_class_by_class(tmp_path: Path) -> None:
    found = _found(tmp_path, [[0, 40, 200, 255]])
    assert found.classes.names == ("class_0", "class_40", "class_200")
    assert found.settings == {"classes": {"0": [0], "1": [40], "2": [200], "ignore": [255]}}


def test_ids_of_cityscapes_are_known_by_the_names_of_the_files(tmp_path: Path) -> None:
    assert _found(tmp_path, [[0, 18, 255]], words="_labelTrainIds").classes == CITYSCAPES
    found = _found(tmp_path, [[7, 33, 0]], words="_labelIds")
    assert found.classes == CITYSCAPES
    assert GivenIds(found.settings["classes"]).into(CITYSCAPES).classes[33] == 18  # type: ignore[arg-type]


def test_one_channel_of_equal_ones_holds_ids(tmp_path: Path) -> None:
    found = _found(tmp_path, [[[0, 0, 0], [1, 1, 1], [2, 2, 2]]])
    assert (len(found.classes), found.settings) == (3, {"channel": 0})


def test_colors_are_classes_and_those_of_edges_are_ignored(tmp_path: Path) -> None:
    pixels = np.zeros((200, 200, 3), np.uint8)
    pixels[100:] = (0, 200, 0)
    pixels[0, 0] = (9, 8, 7)
    found = _found(tmp_path, pixels)
    assert (found.classes.names, found.classes.colors) == (("background", "class_1"), ((0, 0, 0), (0, 200, 0)))
    assert found.settings == {"labels_are": "colors", "unlisted": "ignore"}


def test_the_colors_of_a_published_set_are_known(tmp_path: Path) -> None:
    found = _found(tmp_path, [[*CITYSCAPES.colors[:4], (0, 0, 0)]])
    assert (found.classes, found.settings["unlisted"]) == (CITYSCAPES, "ignore")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("classes.txt", "void\nroad\nsky\n"),
        ("labels.txt", "0 void\n1 road\n2 sky"),
        ("_classes.csv", "Pixel Value, Class\n0, void\n1, road\n2, sky"),
        ("classes.json", json.dumps({"0": "void", "1": "road", "2": "sky"})),
        ("labels.json", json.dumps([{"id": 0, "name": "void"}, {"id": 1, "name": "road"}, {"id": 2, "name": "sky"}])),
    ],
)
def test_a_table_names_the_ids(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    table = class_table(tmp_path, [tmp_path / name])
    assert table is not None
    assert tuple(table.names) == ("void", "road", "sky")
    found = _found(tmp_path, [[0, 1, 2, 255]], table)
    assert (found.classes.names, found.classes.first_id, found.is_named) == (("road", "sky"), 1, True)
    assert found.classes.ignored_ids == (0, 255)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("class_dict.csv", "name,r,g,b\nsoil,0,0,0\nopen field,255,0,10"),
        ("labelmap.txt", "# label:color_rgb:parts:actions\nsoil:0,0,0::\nopen field:255,0,10::"),
        ("label_colors.txt", "0 0 0\tsoil\n255 0 10\topen field"),
        ("colors.json", json.dumps({"soil": [0, 0, 0], "open field": [255, 0, 10]})),
    ],
)
def test_a_table_names_the_colors(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    found = _found(tmp_path, [[[0, 0, 0], [255, 0, 10]]], class_table(tmp_path, [tmp_path / name]))
    assert (found.classes.names, found.classes.colors) == (("soil", "open field"), ((0, 0, 0), (255, 0, 10)))


@pytest.mark.parametrize("text", ["", "a,b\x00", "[1, 2]", "{", "road\nroad", "\n".join(f"c{n}" for n in range(400))])
def test_a_file_that_is_no_table_is_passed_over(tmp_path: Path, text: str) -> None:
    for name in ("classes.txt", "classes.json"):
        (tmp_path / name).write_text(text)
    table = class_table(tmp_path, [tmp_path / "classes.json"])
    assert table is None
    assert class_table(tmp_path, [tmp_path / "absent.txt"]) is None


def test_a_table_that_does_not_fit_is_said(tmp_path: Path) -> None:
    table = ClassTable(Path("classes.txt"), ("a", "b"))
    found = _found(tmp_path, [[0, 1, 2, 3]], table)
    assert (found.is_named, found.notes) == (False, ("classes.txt names 2 classes, which does not fit the ids",))


def test_the_names_and_ids_of_a_published_set_are_that_set(tmp_path: Path) -> None:
    known = CLASS_SETS["voc"]
    found = _found(tmp_path, [range(21)], ClassTable(Path("classes.txt"), known.names))
    assert found.classes == known


def test_other_ids_are_ignored_where_not_all_files_are_read(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 1, 2]], np.uint8)).save(tmp_path / "a.png")
    contents = read_contents([tmp_path / "a.png"] * (MOST_READ + 1))
    found = found_classes(contents, None, "")
    assert found is not None
    assert found.settings == {"unlisted": "ignore"}


def test_too_many_values_are_no_classes(tmp_path: Path) -> None:
    Image.fromarray(np.arange(10_000, dtype=np.int32).reshape(100, 100)).save(tmp_path / "depth.tiff")
    assert found_classes(read_contents([tmp_path / "depth.tiff"]), None, "") is None
