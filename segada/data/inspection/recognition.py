"""Recognition of the data sets in a folder, and of the domains that a run can use."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from segada.data.datasets.registry import LAYOUTS
from segada.data.discovery.coco_sets import coco_sets
from segada.data.discovery.recognized import Recognized as Recognized
from segada.data.discovery.recognized import domain_settings
from segada.data.discovery.tree_sets import tree_sets
from segada.errors import InputError
from segada.settings.data import DomainSettings
from segada.settings.domains import PartedDomain
from segada.settings.schema import nearest

MOST_CHILDREN: Final = 200
"""Number of folders inside the folder that are searched."""
MOST_SHOWN: Final = 12
"""Number of names that are shown of a folder without a known layout."""
DISCOVERED: Final[Mapping[str, Callable[[Path], list[Recognized]]]] = {"coco": coco_sets, "folders": tree_sets}
"""Searches for data sets whose names of files are not fixed, by layout; the first that finds something counts."""


def recognized(path: Path, only: str | None = None, labels: str | None = None) -> list[Recognized]:
    """Finds the published data sets in a folder; if there are none, in the folders inside it; if none, in those above
    it; and otherwise COCO annotations, or images and label files that can be paired, in the folder.

    Args:
        path: Folder.
        only: Name of the only layout to look for; None looks for all.
        labels: `labels_root` of data sets whose labels are stored elsewhere.

    Raises:
        InputError: There is no such folder or layout.
    """
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder (seen from {Path.cwd()}); give the folder of the data")
    if only is not None and only not in LAYOUTS:
        raise InputError(f"--dataset {only}: there is no such layout; {nearest(only, LAYOUTS)}")
    names = list(LAYOUTS) if only is None else [only]
    above = [one for root in path.absolute().parents[:2] for one in _in_root(root, names, labels)]
    return published(path, names, labels) or above or discovered(path, names)


def published(path: Path, names: Sequence[str], labels: str | None = None) -> list[Recognized]:
    """Returns the published data sets in a folder; if there are none, in the folders inside it.

    Args:
        path: Folder.
        names: Names of layouts.
        labels: `labels_root` of data sets whose labels are stored elsewhere.
    """
    inside = sorted(islice((child for child in path.iterdir() if child.is_dir()), MOST_CHILDREN))
    return list(_in_root(path, names, labels)) or [one for root in inside for one in _in_root(root, names, labels)]


def discovered(path: Path, names: Sequence[str] = tuple(DISCOVERED)) -> list[Recognized]:
    """Returns the data sets of the first layout without fixed names, among these, that a folder has."""
    searches = (search for name, search in DISCOVERED.items() if name in names)
    return next((there for search in searches if (there := search(path))), [])


def _in_root(root: Path, names: Sequence[str], labels: str | None) -> Iterator[Recognized]:
    for name in names:
        found = LAYOUTS[name].recognize(root)
        if found:
            domains = {key: domain_settings(values) for key, values in found.items()}
            yield Recognized(name, root, {key: _with_labels(domain, labels) for key, domain in domains.items()})


def _with_labels(domain: DomainSettings, labels: str | None) -> DomainSettings:
    if labels is None or not isinstance(domain, PartedDomain):
        return domain
    return domain.model_copy(update={"labels_root": labels})


def nothing_known(path: Path) -> Iterator[str]:
    """Yields lines that list the contents of a folder, and the files that each known layout expects."""
    names = [f"{child.name}/" if child.is_dir() else child.name for child in sorted(path.iterdir())]
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    yield f"{path} has {', '.join(names[:MOST_SHOWN]) or 'nothing in it'}{more}"
    yield "known are:"
    for name, layout in LAYOUTS.items():
        yield f"  {name}: {layout.expects}"
