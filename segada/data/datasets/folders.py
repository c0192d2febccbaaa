"""Any images, with or without labels, found by patterns, with a class map given in the settings."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from segada.data.datasets.division import shared_out, shares_of_set
from segada.data.datasets.found_files import found
from segada.data.datasets.frame_files import Layout, Listing
from segada.data.datasets.label_maps import GivenIds
from segada.data.datasets.measured_depth import DepthFile
from segada.data.datasets.pairing import LabelKind, Place
from segada.data.splits import Split
from segada.settings.domains import FoldersDomain


def _listing(domain: FoldersDomain, root: Path, split: Split) -> Listing:
    """Lists the frames of a split: blocks of the recording by `shares`, or, with held-out files, blocks of each of the
    two sets."""
    held_out = domain.held_out_images is not None and split in ("val", "test")
    return _place(domain, root, held_out=held_out).listing(lambda keys: _block(domain, split, keys))


def _place(domain: FoldersDomain, root: Path, *, held_out: bool) -> Place:
    images, labels = domain.images, domain.labels
    if held_out:
        assert domain.held_out_images is not None
        images, labels = domain.held_out_images, domain.held_out_labels
    patterns = (domain.images, domain.labels, domain.held_out_images, domain.held_out_labels, domain.depth)
    beside = tuple(pattern for pattern in patterns if pattern is not None)
    kinds = () if labels is None else (LabelKind(labels, _ids(domain)),)
    return Place(root, images, root, kinds, _depths(domain, root), beside)


def _ids(domain: FoldersDomain) -> GivenIds:
    by_color, others_ignored = domain.labels_are == "colors", domain.unlisted == "ignore"
    return GivenIds(domain.classes, domain.label_set, by_color, domain.channel, others_ignored)


def _depths(domain: FoldersDomain, root: Path) -> dict[str, DepthFile]:
    if domain.depth is None or domain.weather == "clear":
        return {}
    files = found(root, domain.depth).some()
    return {key: DepthFile(path, domain.depth_units) for key, path in files.items()}


def _block(domain: FoldersDomain, split: Split, keys: list[str]) -> list[str]:
    shares = domain.shares if domain.held_out_images is None else shares_of_set(domain.shares, split)
    return shared_out(keys, shares, domain.gap)[split]


def _recognize(_root: Path) -> Mapping[str, Mapping[str, object]]:
    """Returns nothing, since the names of the files are not fixed: `segada.data.discovery` looks for them."""
    return {}


FOLDERS: Final = Layout(
    name="folders",
    expects="image files that fit images and label files that fit labels, paired by what their wildcards match",
    example="${SEGADA_DATA:-/data}",
    listing=_listing,
    recognize=_recognize,
)
