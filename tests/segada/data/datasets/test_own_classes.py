"""Label files of own classes: by ids, by the names of another set, and by colors."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from loaded_frames import load_domain
from published_trees import SIZE, TREES, picture, write

from segada.data.datasets.registry import count_frames
from segada.errors import InputError
from segada.settings.data import DataSettings
from segada.settings.loading import LoadingSettings

UNCACHED = LoadingSettings(cache=None, workers=0)
COLORS = [[10, 20, 30], [200, 100, 0], [0, 0, 255]]
WASTE: dict[str, Any] = {"names": ["background", "paper", "glass"], "colors": COLORS}


def data_of(root: Path, known: Any, **domain: Any) -> DataSettings:
    given = {
        "dataset": "folders",
        "images": "img/*.png",
        "labels": "ids/*.png",
        "shares": [1.0, 0.0, 0.0, 0.0],
        **domain,
    }
    values = {"size": SIZE, "root": str(root), "classes": known, "domains": {"it": given}, "loading": UNCACHED}
    return DataSettings.model_validate(values)


def frame(root: Path, labels: np.ndarray) -> None:
    write(root / "img" / "0.png", picture(0))
    write(root / "ids" / "0.png", labels)


def columns(values: list[int]) -> np.ndarray:
    return np.broadcast_to(np.repeat(np.array(values, np.uint8), SIZE[1] // len(values)), SIZE).copy()


def labels_in(data: DataSettings) -> list[int]:
    """Returns the label of every column of stripes."""
    row = load_domain("it", data, "source").labels[0, 0]
    return [
        int(value) for value in row[[place for place in range(len(row)) if not place or row[place] != row[place - 1]]]
    ]


def test_ids_are_those_of_the_set_of_classes(tmp_path: Path) -> None:
    frame(tmp_path, columns([0, 1, 2, 255]))
    assert labels_in(data_of(tmp_path, WASTE)) == [0, 1, 2, 255]
    frame(tmp_path, columns([0, 1, 3, 2]))
    with pytest.raises(InputError, match=r"0\.png has id 3 at .* but these files have ids 0 to 2 and 255"):
        labels_in(data_of(tmp_path, WASTE))


def test_ids_may_begin_at_one_and_other_ids_be_ignored(tmp_path: Path) -> None:
    frame(tmp_path, columns([0, 1, 3, 2]))
    assert labels_in(data_of(tmp_path, {**WASTE, "first_id": 1, "ignored_ids": [0]})) == [255, 0, 2, 1]


def test_the_background_is_a_class_like_any_other(tmp_path: Path) -> None:
    frame(tmp_path, columns([0, 1]))
    assert labels_in(data_of(tmp_path, ["no crack", "crack"])) == [0, 1]
    assert labels_in(data_of(tmp_path, ["no crack", "crack"], classes={"crack": [0], "no crack": [1]})) == [1, 0]


def test_files_of_another_set_are_matched_by_the_names_of_its_classes(tmp_path: Path) -> None:
    frame(tmp_path, columns([0, 1, 2, 3]))
    theirs = ["glass", "wood", "paper", "background"]
    assert labels_in(data_of(tmp_path, WASTE, label_set=theirs)) == [2, 255, 1, 0]
    with pytest.raises(InputError, match=r"none of their classes is in data.classes \(background, paper, glass"):
        labels_in(data_of(tmp_path, WASTE, label_set=["iron", "wood"]))


def test_a_published_layout_is_matched_by_names(tmp_path: Path) -> None:
    domain = TREES["gta5"](tmp_path)
    data = DataSettings(
        size=SIZE, root=str(tmp_path), classes=["sky", "road", "cloud"], domains={"it": domain}, loading=UNCACHED
    )  # type: ignore[arg-type]
    assert set(np.unique(load_domain("it", data, "source").labels)) == {0, 1, 255}
    with pytest.raises(InputError, match=r"none of their classes is in data.classes"):
        count_frames("it", data.model_copy(update={"classes": data_of(tmp_path, ["a"]).classes}), "source")


def test_colors_are_read_by_the_table_of_the_set(tmp_path: Path) -> None:
    painted = np.array(COLORS, np.uint8)[columns([2, 0, 1])]
    frame(tmp_path, painted[..., ::-1].copy())
    assert labels_in(data_of(tmp_path, WASTE, labels_are="colors")) == [2, 0, 1]
    # Files in the colors of another set, of which two classes have our names.
    assert labels_in(data_of(tmp_path, ["glass", "paper"], label_set=WASTE, labels_are="colors")) == [0, 255, 1]
    assert labels_in(
        data_of(tmp_path, ["any", "glass"], label_set=WASTE, labels_are="colors", classes={"any": [0, 1], "glass": [2]})
    ) == [1, 0]


def test_a_color_of_no_class_is_refused_or_ignored(tmp_path: Path) -> None:
    painted = np.array(COLORS, np.uint8)[columns([2, 0, 1])]
    painted[3, 5] = 7, 8, 9
    frame(tmp_path, painted[..., ::-1].copy())
    with pytest.raises(InputError, match=r"0\.png has the color \[7, 8, 9\] of no class at 1 pixels; add it"):
        labels_in(data_of(tmp_path, WASTE, labels_are="colors"))
    labels = load_domain("it", data_of(tmp_path, WASTE, labels_are="colors", unlisted="ignore"), "source").labels[0]
    assert (labels == 255).sum() == 1
    with pytest.raises(InputError, match=r"the set of classes has no colors"):
        labels_in(data_of(tmp_path, ["a", "b"], labels_are="colors"))
    with pytest.raises(InputError, match=r"the color \[0, 0, 0\] belongs to two classes"):
        labels_in(data_of(tmp_path, {"names": ["a", "b"], "colors": [[0, 0, 0]] * 2}, labels_are="colors"))


def test_colors_of_a_jpeg_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "img" / "0.png", picture(0))
    (tmp_path / "ids").mkdir()
    assert cv2.imwrite(str(tmp_path / "ids" / "0.jpg"), picture(0))
    (tmp_path / "ids" / "0.jpg").rename(tmp_path / "ids" / "0.png")
    with pytest.raises(InputError, match=r"0\.png is a JPEG, which does not keep colors"):
        labels_in(data_of(tmp_path, WASTE, labels_are="colors"))


def test_the_procedural_streets_stay_those_of_cityscapes() -> None:
    data = DataSettings.model_validate({"classes": ["a", "b"]})
    with pytest.raises(InputError, match=r"domain 'clear': the procedural streets have the classes of Cityscapes"):
        count_frames("clear", data, "source")
