"""COCO annotations: drawn as the public interface of COCO draws them, and refused where they are broken."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from loaded_frames import load_domain
from PIL import Image
from pycocotools import coco
from waste_set import CLASSES, SIZE, write_waste

from segada.data.datasets.registry import count_frames, labelled_frames
from segada.errors import InputError
from segada.settings.data import DataSettings
from segada.settings.loading import LoadingSettings

UNCACHED = LoadingSettings(cache=None, workers=0)


def data_of(root: Path, known: Any = CLASSES, **domain: Any) -> DataSettings:
    files = {"dataset": "coco", "annotations": "train.json", "shares": [1.0, 0.0, 0.0, 0.0]}
    values = {"size": SIZE, "root": str(root), "classes": known, "domains": {"it": {**files, **domain}}}
    return DataSettings.model_validate({**values, "loading": UNCACHED})


def labels_of(data: DataSettings) -> list[np.ndarray]:
    return [frame.labels for frame in labelled_frames("it", data, "source")]


def change(root: Path, how: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads((root / "train.json").read_text())
    how(content)
    (root / "train.json").write_text(json.dumps(content))


def test_labels_are_those_of_the_public_interface_drawn_from_large_to_small(tmp_path: Path) -> None:
    public = coco.COCO(str(write_waste(tmp_path, 20)))
    drawn = labels_of(data_of(tmp_path))
    assert len(drawn) == 20
    for image, labels in zip(public.loadImgs(public.getImgIds()), drawn, strict=True):
        wanted = np.zeros(SIZE, np.uint8)
        annotations = public.loadAnns(public.getAnnIds(imgIds=image["id"]))
        for one in sorted(annotations, key=lambda one: one["area"], reverse=True):
            wanted[public.annToMask(one) == 1] = one["category_id"] + 1
        np.testing.assert_array_equal(labels, wanted)


def test_an_image_without_annotations_is_background_or_ignored(tmp_path: Path) -> None:
    write_waste(tmp_path, 4)
    change(tmp_path, lambda content: content["annotations"].clear())
    assert {int(value) for labels in labels_of(data_of(tmp_path)) for value in np.unique(labels)} == {0}
    named = ["Metal", *CLASSES[1:4], *CLASSES[5:], "belt"]
    assert {int(value) for labels in labels_of(data_of(tmp_path, named)) for value in np.unique(labels)} == {255}
    belt = labels_of(data_of(tmp_path, named, background="belt"))
    assert {int(value) for labels in belt for value in np.unique(labels)} == {10}


def test_categories_are_classes_by_name_unless_settings_give_their_ids(tmp_path: Path) -> None:
    write_waste(tmp_path, 12)
    whole = labels_of(data_of(tmp_path))
    two = labels_of(data_of(tmp_path, ["background", "rubbish"], classes={"rubbish": list(range(10))}))
    assert all(np.array_equal(both, labels > 0) for both, labels in zip(two, whole, strict=True))
    said = r"train\.json: category 1 is 'Paper', which is not in data\.classes; give .* did you mean paper\?"
    with pytest.raises(InputError, match=said):
        count_frames("it", data_of(tmp_path, ["background", "paper"], classes={"ignore": [0]}), "source")
    kept = labels_of(data_of(tmp_path, ["Background", "Metal"], unlisted="ignore"))
    for few, labels in zip(kept, whole, strict=True):
        np.testing.assert_array_equal(few == 1, labels == 4)
        np.testing.assert_array_equal(few == 0, labels == 0)


def test_held_out_annotations_are_val_and_test(tmp_path: Path) -> None:
    write_waste(tmp_path, 10)
    (tmp_path / "train.json").rename(tmp_path / "val.json")
    write_waste(tmp_path, 20, seed=1)
    data = data_of(tmp_path, held_out_annotations="val.json", shares=[0.3, 0.3, 0.2, 0.2])
    assert [count_frames("it", data, split) for split in ("source", "adapt", "val", "test")] == [10, 10, 5, 5]  # type: ignore[arg-type]


def test_an_image_that_is_missing_is_left_out(tmp_path: Path) -> None:
    write_waste(tmp_path, 4)
    (tmp_path / "batch_01" / "0002.jpg").unlink()
    assert count_frames("it", data_of(tmp_path), "source") == 3
    with pytest.raises(InputError, match=r"no file .*other\.json; the data set coco expects a JSON file"):
        count_frames("it", data_of(tmp_path, annotations="other.json"), "source")


def test_the_size_in_the_file_must_be_that_of_the_image(tmp_path: Path) -> None:
    write_waste(tmp_path, 1)
    Image.new("RGB", (50, 200)).save(tmp_path / "batch_01" / "0000.jpg")
    with pytest.raises(InputError, match=r"0000\.jpg is 50 x 200, but its labels"):
        load_domain("it", data_of(tmp_path), "source")


@pytest.mark.parametrize(
    ("how", "said"),
    [
        (
            lambda one: one.update(segmentation=[]),
            r"annotation 0 of image batch_01/0\d+\.jpg has no segmentation, only a",
        ),
        (lambda one: one.update(segmentation=[[1, 2, 3, 4]]), r"annotation 0 .* has a polygon of 4 numbers"),
        (lambda one: one.update(segmentation=[[1, 2, 3, 4, 5, 6, 7]]), r"annotation 0 .* has a polygon of 7 numbers"),
        (lambda one: one.update(segmentation={"size": [9, 9], "counts": "abc"}), r"annotation 0 .* is a mask of 9 x 9"),
        (
            lambda one: one.update(segmentation={"size": list(SIZE), "counts": [5]}),
            r"annotation 0 .* has counts of 5 pix",
        ),
        (
            lambda one: one.update(segmentation={"size": list(SIZE), "counts": "hello"}),
            r"annotation 0 .* has counts of -?\d+ pixels, but the image has 6144",
        ),
        (
            lambda one: one.update(segmentation={"size": list(SIZE), "counts": ""}),
            r"annotation 0 .* has counts of 0 pixels, but the image has 6144",
        ),
        (
            lambda one: one.update(segmentation=[[0, 0, 1e9, 0, 1e9, 10]]),
            r"annotation 0 .* has a point at 1e\+09, far outside the image of 64 x 96",
        ),
        (lambda one: one.update(category_id=99), r"annotation 0 has category_id 99, which is no category"),
        (lambda one: one.update(image_id=999), r"annotation 0 is of image 999, which is not among"),
        (lambda one: one.pop("category_id"), r"annotations\.0\.category_id: Field required"),
        (lambda one: one.update(segmentation="x"), r"annotations\.0\.segmentation"),
    ],
)
def test_broken_annotations_are_named(tmp_path: Path, how: Callable[[dict[str, Any]], object], said: str) -> None:
    write_waste(tmp_path, 6)
    change(tmp_path, lambda content: how(content["annotations"][0]))
    with pytest.raises(InputError, match=said):
        load_domain("it", data_of(tmp_path), "source")


@pytest.mark.parametrize(
    ("text", "said"),
    [("{", r"is no file of COCO annotations"), ("[]", r"is no file of COCO"), ('{"images": []}', r"categories: Field")],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "train.json").write_text(text)
    with pytest.raises(InputError, match=said):
        count_frames("it", data_of(tmp_path), "source")
