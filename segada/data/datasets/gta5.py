"""GTA5 (Richter et al. 2016, Playing for Data): `images/*.png`, and under the same names `labels/*.png`, indexed
PNGs."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from segada.data.datasets.division import shared_out
from segada.data.datasets.found_files import found
from segada.data.datasets.frame_files import Layout, Listing
from segada.data.datasets.label_maps import LABEL_IDS, TRAIN_IDS
from segada.data.datasets.pairing import LabelKind, Place
from segada.data.splits import Split
from segada.settings.domains import Gta5Domain

LABEL_KINDS: Final = (LabelKind("*_labelTrainIds.png", TRAIN_IDS), LabelKind("*.png", LABEL_IDS))


def _listing(domain: Gta5Domain, root: Path, split: Split) -> Listing:
    place = Place(root / "images", "*.png", root / "labels", LABEL_KINDS)
    return place.listing(lambda keys: shared_out(keys, domain.shares, domain.gap)[split])


def _recognize(root: Path) -> Mapping[str, Mapping[str, object]]:
    """Recognizes the data set by five-digit file names, since other data sets have folders of the same names."""
    images = found(root / "images", "*.png").files
    numbered = bool(images) and all(re.fullmatch("[0-9]{5}", name) for name in images)
    return {"gta5": {"dataset": "gta5"}} if numbered and (root / "labels").is_dir() else {}


GTA5: Final = Layout(
    name="gta5",
    expects="images/<number>.png with labels/<number>.png or labels/<number>_labelTrainIds.png",
    example="${SEGADA_GTA5:-/data/gta5}",
    listing=_listing,
    recognize=_recognize,
)
