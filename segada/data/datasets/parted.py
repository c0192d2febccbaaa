"""Data sets that are published as `train` and `val`, and their division into splits."""

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
"""Share of `train` that is the split `val` where the whole part `val` is the split `test`."""


def parted(domain: PartedDomain, split: Split, place: Callable[[Part], Place]) -> Listing:
    """Lists the frames of a split of a domain.

    The division depends on the labels, which renderings of the same scenes share: an incomplete rendering is divided at
    the same places.

    Args:
        domain: Settings that determine the division.
        split: Split to list.
        place: Function that returns the location of a part's files.

    Raises:
        MissingFolder: There are no images or no labels.
    """
    return place(_part(domain, split)).listing(lambda keys: _block(domain, split, keys))


def _part(domain: PartedDomain, split: Split) -> Part:
    if split == "val":
        return "train" if domain.test == "val" else "val"
    return "val" if split == "test" else "train"


def _block(domain: PartedDomain, split: Split, keys: list[str]) -> list[str]:
    """Returns those of a part's keys that belong to the split."""
    if _part(domain, split) == "val":
        val, test = (keys, keys) if domain.test == "val" else blocks(keys, (0.5, 0.5))
        return val if split == "val" else test
    learned = 1.0 - SELECTED_OF_TRAIN if domain.test == "val" else 1.0
    taught, val = blocks(keys, (learned, 1.0 - learned))
    source, adapt = (taught, taught) if domain.train == "whole" else blocks(taught, (0.5, 0.5))
    return {"source": source, "adapt": adapt, "val": val, "test": []}[split]


def labels_folder(domain: PartedDomain, root: Path, published: str) -> Path:
    """Returns the folder of the labels: below `labels_root`, or the root if that is null, named `labels`, or the
    published name."""
    above = root if domain.labels_root is None else expand(domain.labels_root)
    return above / (published if domain.labels is None else domain.labels)
