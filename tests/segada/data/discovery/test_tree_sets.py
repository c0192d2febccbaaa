"""Discovery of domains in trees of images and label files: patterns, parts, weathers, recordings."""

from pathlib import Path

import numpy as np
import pytest
from own_trees import blocks, photo, write_cracks, write_fields, write_one_folder
from published_trees import write

from segada.data.datasets.registry import LAYOUTS
from segada.data.discovery.tree_sets import lossy_labels, tree_sets
from segada.settings.domains import FoldersDomain


def _domains(root: Path) -> dict[str, FoldersDomain]:
    (found,) = tree_sets(root)
    assert all(isinstance(domain, FoldersDomain) for domain in found.domains.values())
    return {name: domain for name, domain in found.domains.items() if isinstance(domain, FoldersDomain)}


def _write_pair(root: Path, image: str, labels: str, number: int = 0) -> None:
    pixels = blocks(number, range(3))
    write(root / image, photo(number, pixels))
    write(root / labels, pixels)


def test_folders_of_places_are_domains_and_val_is_held_out(tmp_path: Path) -> None:
    write_cracks(tmp_path)
    domains = _domains(tmp_path)
    assert set(domains) == {"road", "tunnel"}
    assert domains["road"].images == "road/train/images/*.jpg"
    assert domains["road"].labels == "road/train/masks/*.png"
    assert domains["road"].held_out_images == "road/val/images/*.jpg"
    assert domains["road"].held_out_labels == "road/val/masks/*.png"


def test_weathers_below_the_folders_of_images_and_labels_are_domains(tmp_path: Path) -> None:
    write_fields(tmp_path)
    domains = _domains(tmp_path)
    assert set(domains) == {"rainy", "sunny"}
    assert (domains["rainy"].images, domains["rainy"].labels) == (
        "JPEGImages/rainy/*.jpg",
        "SegmentationClass/rainy/*.png",
    )


def test_images_and_labels_in_one_folder_are_told_apart_by_their_names(tmp_path: Path) -> None:
    write_one_folder(tmp_path / "set")
    domain = _domains(tmp_path / "set")["set"]
    assert (domain.images, domain.labels) == ("???.png", "???_mask.png")
    assert len(LAYOUTS["folders"].listing(domain, tmp_path / "set", "source").frames) == 11


@pytest.mark.parametrize(
    ("image", "labels", "images", "patterns"),
    [
        ("drive_{0:02}/rgb/{0}.jpg", "drive_{0:02}/ids/{0}_ids.png", "*/rgb/*.jpg", "*/ids/*_ids.png"),
        ("train_images/{0}.jpg", "train_masks/{0}.png", "train_images/*.jpg", "train_masks/*.png"),
        ("img/a_{0}_rgb.png", "gt/a_{0}_label.png", "img/*_rgb.png", "gt/*_label.png"),
        ("img_{0}.png", "mask_{0}.png", "img_*.png", "mask_*.png"),
        ("photos/frame{0}.png", "masks/frame{0}.png", "photos/frame*.png", "masks/frame*.png"),
        ("scene{0}/image.jpg", "scene{0}/label.png", "*/image*.jpg", "*/label*.png"),
        ("flowers/{0}.jpg", "flowers/{0}.png", "flowers/*.jpg", "flowers/*.png"),
        ("washington/x/{0}.png", "washington/y/{0}.png", "washington/x/*.png", "washington/y/*.png"),
    ],
)
def test_patterns_have_equal_wildcards(tmp_path: Path, image: str, labels: str, images: str, patterns: str) -> None:
    for number in range(8):
        _write_pair(tmp_path, image.format(number), labels.format(number), number)
    (domain,) = _domains(tmp_path).values()
    assert (domain.images, domain.labels) == (images, patterns)
    listing = LAYOUTS["folders"].listing(domain.model_copy(update={"shares": (1.0, 0.0, 0.0, 0.0)}), tmp_path, "source")
    assert (len(listing.frames), listing.missing) == (8, ())


def test_folders_of_images_with_several_suffixes_have_one_pattern(tmp_path: Path) -> None:
    for number in range(8):
        _write_pair(tmp_path, f"photos/{number}.{('jpg', 'png')[number % 2]}", f"labels/{number}.png", number)
    (domain,) = _domains(tmp_path).values()
    assert (domain.images, domain.labels) == ("photos/*.*", "labels/*.png")


def test_of_several_kinds_of_labels_the_ids_are_taken(tmp_path: Path) -> None:
    for number in range(6):
        pixels = blocks(number, (7, 11, 23))
        write(tmp_path / "img" / f"{number}_leftImg8bit.png", photo(number, pixels))
        write(tmp_path / "gt" / f"{number}_gtFine_labelIds.png", pixels)
        write(tmp_path / "gt" / f"{number}_gtFine_color.png", np.dstack([pixels] * 3))
        write(tmp_path / "gt" / f"{number}_gtFine_instanceIds.png", pixels)
    (found,) = tree_sets(tmp_path)
    (domain,) = found.domains.values()
    assert isinstance(domain, FoldersDomain)
    assert domain.labels == "gt/*_gtFine_labelIds.png"
    assert domain.classes["building"] == (11,)


def test_images_without_labels_beside_labelled_ones_are_noted(tmp_path: Path) -> None:
    write_cracks(tmp_path)
    for number in range(4):
        write(tmp_path / "new" / "images" / f"{number}.jpg", photo(number, blocks(number, range(3))))
    (found,) = tree_sets(tmp_path)
    assert "images without labels are left out: new/images/ (4)" in found.notes


def test_a_damaged_label_file_does_not_hide_the_others(tmp_path: Path) -> None:
    for number in range(9):
        _write_pair(tmp_path, f"images/{number}.jpg", f"labels/{number}.png", number)
    (tmp_path / "labels" / "4.png").write_bytes(b"damaged")
    assert len(_domains(tmp_path)) == 1


def test_labels_that_are_jpegs_are_no_labels_and_are_named(tmp_path: Path) -> None:
    for number in range(6):
        _write_pair(tmp_path, f"images/{number}.jpg", f"masks/{number}.jpg", number)
    assert tree_sets(tmp_path) == []
    assert lossy_labels(tmp_path) == "masks/"


def test_nothing_is_found_where_nothing_is_paired(tmp_path: Path) -> None:
    _write_pair(tmp_path, "images/a.jpg", "masks/b.png")
    assert tree_sets(tmp_path) == []
