"""SYNTHIA-RAND-CITYSCAPES (Ros et al. 2016): `RGB/*.png`, and under the same names `GT/LABELS/*.png`.

The labels are PNGs of three channels of 16 bits: the first (red) holds the class, the second the instance.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from segada.data.datasets.division import shared_out
from segada.data.datasets.found_files import found
from segada.data.datasets.frame_files import Layout, Listing
from segada.data.datasets.label_maps import TRAIN_IDS, in_order
from segada.data.datasets.pairing import LabelKind, Place
from segada.data.splits import Split
from segada.settings.domains import SynthiaDomain

CLASS_OF: Final = {
    "void": None,
    "sky": "sky",
    "building": "building",
    "road": "road",
    "sidewalk": "sidewalk",
    "fence": "fence",
    "vegetation": "vegetation",
    "pole": "pole",
    "car": "car",
    "traffic sign": "traffic sign",
    "pedestrian": "person",
    "bicycle": "bicycle",
    "motorcycle": "motorcycle",
    "parking slot": None,
    "road work": None,
    "traffic light": "traffic light",
    "terrain": "terrain",
    "rider": "rider",
    "truck": "truck",
    "bus": "bus",
    "train": "train",
    "wall": "wall",
    "lane marking": None,
}
"""Cityscapes class of the ids 0 to 22, in order, as is usual in the literature."""
LABEL_KINDS: Final = (
    LabelKind("*_labelTrainIds.png", TRAIN_IDS),
    LabelKind("*.png", in_order("SYNTHIA's ids 0 to 22", list(CLASS_OF.values()), channel=0)),
)


def _listing(domain: SynthiaDomain, root: Path, split: Split) -> Listing:
    place = Place(root / "RGB", "*.png", root / "GT" / "LABELS", LABEL_KINDS)
    return place.listing(lambda keys: shared_out(keys, domain.shares, domain.gap)[split])


def _recognize(root: Path) -> Mapping[str, Mapping[str, object]]:
    there = bool(found(root / "RGB", "*.png").files) and (root / "GT" / "LABELS").is_dir()
    return {"synthia": {"dataset": "synthia"}} if there else {}


SYNTHIA: Final = Layout(
    name="synthia",
    expects="RGB/<number>.png with GT/LABELS/<number>.png or GT/LABELS/<number>_labelTrainIds.png (RAND_CITYSCAPES)",
    example="${SEGADA_SYNTHIA:-/data/RAND_CITYSCAPES}",
    listing=_listing,
    recognize=_recognize,
)
