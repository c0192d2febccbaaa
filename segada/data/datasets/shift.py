"""SHIFT (Sun et al. 2022), discrete shifts by daytime, front camera, sorted into a folder for each weather."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from segada.data.datasets.frame_files import Layout, Listing
from segada.data.datasets.label_maps import TRAIN_IDS, in_order
from segada.data.datasets.pairing import LabelKind, Place
from segada.data.datasets.parted import Part, labels_folder, parted
from segada.data.splits import Split
from segada.settings.domains import ShiftDomain

IMAGES: Final = "discrete/images"
IMAGE_PATTERN: Final = "**/*_img_front.jpg"
CONDITIONS: Final = ("clear", "cloudy", "overcast", "small_rain", "mid_rain", "heavy_rain")
CLASS_OF: Final = {
    "unlabelled": None,
    "building": "building",
    "fence": "fence",
    "other": None,
    "pedestrian": "person",
    "pole": "pole",
    "road line": "road",
    "road": "road",
    "sidewalk": "sidewalk",
    "vegetation": "vegetation",
    "vehicle": "car",  # Vehicles of every kind.
    "wall": "wall",
    "traffic sign": "traffic sign",
    "sky": "sky",
    "ground": None,
    "bridge": None,
    "rail track": None,
    "guard rail": None,
    "traffic light": "traffic light",
    "static": None,
    "dynamic": None,
    "water": None,
    "terrain": "terrain",
}
"""Cityscapes class of the ids 0 to 22, in order."""
LABEL_KINDS: Final = (
    LabelKind("**/*_semseg_front_labelTrainIds.png", TRAIN_IDS),
    # The published files have three or four channels, of which the first holds the id.
    LabelKind("**/*_semseg_front.png", in_order("SHIFT's ids 0 to 22", list(CLASS_OF.values()), channel=0)),
)


def _listing(domain: ShiftDomain, root: Path, split: Split) -> Listing:
    def place(part: Part) -> Place:
        inside = f"{part}/front/{domain.condition}-daytime"
        images = root / (domain.images or IMAGES) / inside / "imgs"
        labels = labels_folder(domain, root, IMAGES) / inside / "semsegs"
        return Place(images, IMAGE_PATTERN, labels, LABEL_KINDS)

    return parted(domain, split, place)


def _recognize(root: Path) -> Mapping[str, Mapping[str, object]]:
    """Returns a domain for each weather that exists."""
    there = {folder.parent.name.removesuffix("-daytime") for folder in (root / IMAGES).glob("*/front/*-daytime/imgs")}
    return {name: {"dataset": "shift", "condition": name} for name in CONDITIONS if name in there}


SHIFT: Final = Layout(
    name="shift",
    expects=(
        "discrete/images/<train, val>/front/<weather>-daytime/imgs/*_img_front.jpg with "
        "semsegs/*_semseg_front_labelTrainIds.png or *_semseg_front.png beside imgs"
    ),
    example="${SEGADA_SHIFT:-/data/shift}",
    listing=_listing,
    recognize=_recognize,
)
