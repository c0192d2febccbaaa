"""Discovery of COCO annotations: parts, domains, folders of images, categories."""

import json
from pathlib import Path

import pytest
from waste_set import CATEGORIES, write_waste

from segada.data.datasets.registry import LAYOUTS
from segada.data.discovery.coco_sets import coco_sets
from segada.settings.coco import CocoDomain


def _only(root: Path) -> CocoDomain:
    (found,) = coco_sets(root)
    (domain,) = found.domains.values()
    assert isinstance(domain, CocoDomain)
    return domain


def test_a_file_beside_its_images_is_a_domain_with_a_background(tmp_path: Path) -> None:
    write_waste(tmp_path / "belt", 4)
    (found,) = coco_sets(tmp_path / "belt")
    assert found.classes.names == ("background", *CATEGORIES)
    assert list(found.domains) == ["belt"]
    domain = _only(tmp_path / "belt")
    assert (domain.annotations, domain.images, domain.held_out_annotations) == ("train.json", ".", None)


def test_parts_in_folders_of_their_own_are_one_domain(tmp_path: Path) -> None:
    for part, count in (("train", 6), ("valid", 4), ("test", 2)):
        path = write_waste(tmp_path / part, count)
        path.rename(path.with_name("_annotations.coco.json"))
    domain = _only(tmp_path)
    assert (domain.annotations, domain.images) == ("train/_annotations.coco.json", "train")
    assert (domain.held_out_annotations, domain.held_out_images) == ("valid/_annotations.coco.json", "valid")
    listing = LAYOUTS["coco"].listing(domain, tmp_path, "test")
    assert [files.image.parts[-3] for files in listing.frames] == ["valid", "valid"]
    (found,) = coco_sets(tmp_path)
    assert "test/_annotations.coco.json is left out; a domain has one held-out file" in found.notes


def test_annotations_apart_from_the_folders_of_the_parts(tmp_path: Path) -> None:
    for part in ("train2017", "val2017"):
        path = write_waste(tmp_path / part, 4)
        (tmp_path / "annotations").mkdir(exist_ok=True)
        path.rename(tmp_path / "annotations" / f"instances_{part}.json")
    (tmp_path / "annotations" / "captions_train2017.json").write_text('{"images": [], "annotations": []}')
    domain = _only(tmp_path)
    assert (domain.annotations, domain.images) == ("annotations/instances_train2017.json", "train2017")
    assert (domain.held_out_annotations, domain.held_out_images) == ("annotations/instances_val2017.json", "val2017")


def test_folders_of_conditions_are_domains(tmp_path: Path) -> None:
    for name in ("day", "evening"):
        write_waste(tmp_path / name, 4)
    (found,) = coco_sets(tmp_path)
    assert list(found.domains) == ["day", "evening"]


@pytest.mark.parametrize("content", ["{", "[]", json.dumps({"images": [], "annotations": [], "categories": []})])
def test_other_json_is_passed_over(tmp_path: Path, content: str) -> None:
    (tmp_path / "a.json").write_text(content)
    assert coco_sets(tmp_path) == []


def test_annotations_without_their_images_are_passed_over(tmp_path: Path) -> None:
    path = write_waste(tmp_path / "a", 4)
    path.rename(tmp_path / "a.json")
    for image in tmp_path.glob("a/*/*.jpg"):
        image.unlink()
    assert coco_sets(tmp_path) == []


def test_a_folder_of_held_out_images_needs_their_annotations() -> None:
    with pytest.raises(ValueError, match="held_out_images is 'val', but held_out_annotations is not given"):
        CocoDomain(dataset="coco", annotations="a.json", held_out_images="val")
