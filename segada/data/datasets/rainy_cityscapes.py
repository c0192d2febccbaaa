"""Rainy Cityscapes (Tremblay et al. 2020, weather-augment): rendered rain, with the labels of Cityscapes."""

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
from segada.data.datasets.frame_files import Layout, Listing
from segada.data.datasets.pairing import Place
from segada.data.datasets.parted import Part, labels_folder, parted
from segada.data.splits import Split
from segada.settings.domains import RainyCityscapesDomain

INNER: Final = "rainy_image"
"""Folder between the rain rate and the cities: the published `train` has it; `val`, which users render, may not have
it."""


def _listing(domain: RainyCityscapesDomain, root: Path, split: Split) -> Listing:
    def place(part: Part) -> Place:
        rendered = root / (domain.images or IMAGES) / part / "rain" / f"{domain.rain}mm"
        images = rendered / INNER if (rendered / INNER).is_dir() else rendered
        labels = labels_folder(domain, root, LABELS) / part
        return Place(images, IMAGE_PATTERN, labels, LABEL_KINDS, beside=BESIDE)

    return parted(domain, split, place)


def _recognize(root: Path) -> Mapping[str, Mapping[str, object]]:
    """Returns a domain for each rendered rain rate."""
    rates = amounts(root / IMAGES, "rain", "mm")
    return {f"{rate}mm": {"dataset": "rainy_cityscapes", "rain": rate, **elsewhere(root)} for rate in rates}


RAINY_CITYSCAPES: Final = Layout(
    name="rainy_cityscapes",
    expects=(
        "leftImg8bit/train/rain/<25, 50, 75, 100, 200>mm/rainy_image/<city>/*_leftImg8bit.png, "
        f"leftImg8bit/val/rain/<...>mm/<city>/*_leftImg8bit.png, with {LABELS_EXPECTED}"
    ),
    example="${SEGADA_RAIN:-/data/weather_datasets/weather_cityscapes}",
    listing=_listing,
    recognize=_recognize,
)
