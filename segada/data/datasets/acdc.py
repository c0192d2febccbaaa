"""ACDC (Sakaridis et al. 2021): `rgb_anon/<condition>/<part>/<drive>/*_rgb_anon.png` with labels in `gt`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from segada.data.datasets.found_files import found
from segada.data.datasets.frame_files import Layout, Listing
from segada.data.datasets.label_maps import LABEL_IDS, TRAIN_IDS
from segada.data.datasets.pairing import LabelKind, Place
from segada.data.datasets.parted import Part, labels_folder, parted
from segada.data.splits import Split
from segada.settings.domains import AcdcDomain

IMAGES: Final = "rgb_anon"
LABELS: Final = "gt"
AS_ARCHIVED: Final = {"images": "rgb_anon_trainvaltest/rgb_anon", "labels": "gt_trainval/gt"}
"""Folders of images and labels in the extracted archives, each archive in a folder of its own."""
IMAGE_PATTERN: Final = "*/*_rgb_anon.png"
LABEL_KINDS: Final = (
    LabelKind("*/*_gt_labelTrainIds.png", TRAIN_IDS),
    LabelKind("*/*_gt_labelIds.png", LABEL_IDS),
)
BESIDE: Final = ("*/*_gt_*.png",)
"""Pictures that are published beside the labels."""
CONDITIONS: Final = ("fog", "night", "rain", "snow")
"""Conditions, in the order in which the literature on continual adaptation visits them."""


def _listing(domain: AcdcDomain, root: Path, split: Split) -> Listing:
    def place(part: Part) -> Place:
        images = root / (domain.images or IMAGES) / domain.condition / part
        labels = labels_folder(domain, root, LABELS) / domain.condition / part
        return Place(images, IMAGE_PATTERN, labels, LABEL_KINDS, beside=BESIDE)

    return parted(domain, split, place)


def _recognize(root: Path) -> Mapping[str, Mapping[str, object]]:
    """Returns a domain for each condition that exists."""
    folders: Mapping[str, str] = {} if (root / IMAGES).is_dir() else AS_ARCHIVED
    images = root / folders.get("images", IMAGES)
    there = [condition for condition in CONDITIONS if found(images / condition, f"*/{IMAGE_PATTERN}").files]
    return {condition: {"dataset": "acdc", "condition": condition, **folders} for condition in there}


ACDC: Final = Layout(
    name="acdc",
    expects=(
        "rgb_anon/<fog, night, rain, snow>/<train, val>/<drive>/*_rgb_anon.png with "
        "gt/<...>/<...>/<drive>/*_gt_labelTrainIds.png or *_gt_labelIds.png (images and labels, if these "
        "folders are deeper)"
    ),
    example="${SEGADA_ACDC:-/data/acdc}",
    listing=_listing,
    recognize=_recognize,
)
