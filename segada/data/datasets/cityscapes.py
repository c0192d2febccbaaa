"""Cityscapes (Cordts et al. 2016): `leftImg8bit/<part>/<city>/*_leftImg8bit.png` with labels in `gtFine`."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from segada.data.datasets.found_files import MissingFolder, found
from segada.data.datasets.frame_files import Layout, Listing
from segada.data.datasets.label_maps import LABEL_IDS, TRAIN_IDS
from segada.data.datasets.measured_depth import DepthFile
from segada.data.datasets.pairing import LabelKind, Place
from segada.data.datasets.parted import Part, labels_folder, parted
from segada.data.splits import Split
from segada.settings.domains import CityscapesDomain

IMAGES: Final = "leftImg8bit"
LABELS: Final = "gtFine"
IMAGE_PATTERN: Final = "*/*_leftImg8bit.png"
DISPARITY_PATTERN: Final = "*/*_disparity.png"
LABEL_KINDS: Final = (
    LabelKind("*/*_gtFine_labelTrainIds.png", TRAIN_IDS),
    LabelKind("*/*_gtFine_labelIds.png", LABEL_IDS),
)
BESIDE: Final = ("*/*_gtFine_*.png",)
"""Pictures that are published beside the labels."""
LABELS_EXPECTED: Final = (
    "gtFine/<train, val>/<city>/*_gtFine_labelTrainIds.png or *_gtFine_labelIds.png (labels_root, if gtFine is "
    "elsewhere)"
)


def _listing(domain: CityscapesDomain, root: Path, split: Split) -> Listing:
    def place(part: Part) -> Place:
        images = root / (domain.images or IMAGES) / part
        labels = labels_folder(domain, root, LABELS) / part
        return Place(
            images, IMAGE_PATTERN, labels, LABEL_KINDS, _disparities(domain, root / "disparity" / part), BESIDE
        )

    return parted(domain, split, place)


def _disparities(domain: CityscapesDomain, folder: Path) -> dict[str, DepthFile]:
    if domain.weather == "clear" or domain.depth == "geometric":
        return {}
    files = found(folder, DISPARITY_PATTERN).distinct()
    if domain.depth == "disparity" and not files:
        raise MissingFolder(f"no files {DISPARITY_PATTERN} in {folder}, which depth: disparity requires")
    return {key: DepthFile(path, units=None) for key, path in files.items()}


def _recognize(root: Path) -> Mapping[str, Mapping[str, object]]:
    if not any(found(root / IMAGES / part, IMAGE_PATTERN).files for part in ("train", "val")):
        return {}
    return {"clear": {"dataset": "cityscapes", **elsewhere(root)}}


def elsewhere(root: Path) -> dict[str, str]:
    """Returns `labels_root` of a data set with the labels of Cityscapes; empty if they are below its root."""
    near = [
        root,
        *(folder / name for folder in root.absolute().parents[:3] for name in (".", "cityscapes", "Cityscapes")),
    ]
    place = next((place for place in near if (place / LABELS).is_dir()), None)
    if place == root:
        return {}
    return {"labels_root": "${SEGADA_CITYSCAPES:-/data/cityscapes}" if place is None else str(place.resolve())}


def amounts(images: Path, kind: str, unit: str) -> list[int]:
    """Returns the amounts of rendered weather, in ascending order.

    Args:
        images: Folder of the parts.
        kind: Name of the folder that holds a folder for each amount.
        unit: Unit at the end of their names.
    """
    names = [folder.name for folder in images.glob(f"*/{kind}/*{unit}")]
    return sorted({int(name.removesuffix(unit)) for name in names if re.fullmatch(f"[1-9][0-9]*{unit}", name)})


CITYSCAPES: Final = Layout(
    name="cityscapes",
    expects=f"leftImg8bit/<train, val>/<city>/*_leftImg8bit.png with {LABELS_EXPECTED}",
    example="${SEGADA_CITYSCAPES:-/data/cityscapes}",
    listing=_listing,
    recognize=_recognize,
)
