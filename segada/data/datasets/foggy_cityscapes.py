"""Foggy Cityscapes: rendered fog by visibility (weather-augment) or by attenuation (Sakaridis et al. 2018)."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from segada.data.datasets.cityscapes import (
    BESIDE,
    IMAGE_PATTERN,
    IMAGES,
    LABEL_KINDS,
    LABELS,
    LABELS_EXPECTED,
    amounts,
    elsewhere,
)
from segada.data.datasets.found_files import found
from segada.data.datasets.frame_files import Layout, Listing
from segada.data.datasets.pairing import Place
from segada.data.datasets.parted import Part, labels_folder, parted
from segada.data.splits import Split
from segada.settings.domains import FoggyCityscapesDomain

OFFICIAL: Final = "leftImg8bit_foggy"
BETA: Final = "_leftImg8bit_foggy_beta_"
"""Part of the names of official files, between a frame's name and its beta."""


def _listing(domain: FoggyCityscapesDomain, root: Path, split: Split) -> Listing:
    def place(part: Part) -> Place:
        labels = labels_folder(domain, root, LABELS) / part
        if domain.beta is not None:
            images = root / (domain.images or OFFICIAL) / part
            pattern, of_any_beta = f"*/*{BETA}{domain.beta:g}.png", f"*/*{BETA}*.png"
            return Place(images, pattern, labels, LABEL_KINDS, beside=(*BESIDE, of_any_beta))
        images = root / (domain.images or IMAGES) / part / "fog" / f"{domain.visibility}m"
        return Place(images, IMAGE_PATTERN, labels, LABEL_KINDS, beside=BESIDE)

    return parted(domain, split, place)


def _recognize(root: Path) -> Mapping[str, Mapping[str, object]]:
    """Returns a domain for each rendered fog, the thinnest first."""
    visibilities = amounts(root / IMAGES, "fog", "m")
    texts = {key.split("/")[-1] for key in found(root / OFFICIAL, f"*/*/*{BETA}*.png").files}
    betas = {float(text) for text in texts if re.fullmatch(r"0\.[0-9]+", text)}
    settings = {"dataset": "foggy_cityscapes", **elsewhere(root)}
    by_visibility = {f"fog{metres}m": {**settings, "visibility": metres} for metres in reversed(visibilities)}
    return {**by_visibility, **{f"fog_beta_{beta:g}": {**settings, "beta": beta} for beta in sorted(betas)}}


FOGGY_CITYSCAPES: Final = Layout(
    name="foggy_cityscapes",
    expects=(
        "leftImg8bit/<train, val>/fog/<750, 375, 150, 75>m/<city>/*_leftImg8bit.png for a visibility, or "
        "leftImg8bit_foggy/<train, val>/<city>/*_leftImg8bit_foggy_beta_<0.005, 0.01, 0.02>.png for a beta, with "
        f"{LABELS_EXPECTED}"
    ),
    example="${SEGADA_FOG:-/data/weather_datasets/weather_cityscapes}",
    listing=_listing,
    recognize=_recognize,
)
