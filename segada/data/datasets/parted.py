"""Data sets that are published as `train` and `val`, and how these are divided among purposes."""

from collections.abc import Callable
from pathlib import Path
from typing import Final, Literal, TypeAlias

from segada.data.datasets.division import blocks
from segada.data.datasets.frame_files import Listing
from segada.data.datasets.pairing import Place
from segada.data.splits import Split
from segada.settings.domains import PartedDomain
from segada.settings.folders import expand

Part: TypeAlias = Literal["train", "val"]

SELECTED_OF_TRAIN: Final = 0.1
"""Share of `train` that is selected by where all of `val` is reported."""


def parted(domain: PartedDomain, split: Split, place: Callable[[Part], Place]) -> Listing:
    """The frames of a domain for a purpose.

    What serves which purpose is decided by the labels, which renderings of the same scenes share: a rendering of which
    some frames are missing is divided at the same places.

    Args:
        domain: Says how parts are divided.
        split: The purpose.
        place: Where the files of a part are.

    Raises:
        MissingFolder: there are no images or no labels.
    """
    part = place(_part(domain, split))
    images, labels = part.image_files(), part.label_files()
    return part.listing(_block(domain, split, part.keys(images, labels)), images, labels)


def _part(domain: PartedDomain, split: Split) -> Part:
    if split == "val":
        return "train" if domain.test == "val" else "val"
    return "val" if split == "test" else "train"


def _block(domain: PartedDomain, split: Split, keys: list[str]) -> list[str]:
    """Of the keys of the part that serves the purpose, those that serve it."""
    if _part(domain, split) == "val":
        val, test = (keys, keys) if domain.test == "val" else blocks(keys, (0.5, 0.5))
        return val if split == "val" else test
    learned = 1.0 - SELECTED_OF_TRAIN if domain.test == "val" else 1.0
    taught, val = blocks(keys, (learned, 1.0 - learned))
    source, adapt = (taught, taught) if domain.train == "whole" else blocks(taught, (0.5, 0.5))
    return {"source": source, "adapt": adapt, "val": val, "test": []}[split]


def labels_folder(domain: PartedDomain, root: Path, published: str) -> Path:
    """Where the labels are: in `labels_root`, or the root if there is none, under `labels`, or the published name."""
    above = root if domain.labels_root is None else expand(domain.labels_root)
    return above / (published if domain.labels is None else domain.labels)
