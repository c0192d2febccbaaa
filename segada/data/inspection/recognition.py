"""Recognition of the data sets in a folder, and of the domains that a run can use."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from segada.data.datasets.registry import LAYOUTS
from segada.errors import InputError
from segada.settings.data import DomainSettings
from segada.settings.domains import PartedDomain
from segada.settings.schema import nearest

MOST_CHILDREN: Final = 200
"""Number of folders inside the folder that are searched."""
MOST_SHOWN: Final = 12
"""Number of names that are shown of a folder without a known layout."""


@dataclass(frozen=True)
class Recognized:
    """A data set found on disk.

    Attributes:
        layout: Name of its layout.
        root: Root folder.
        domains: Domains by name.
    """

    layout: str
    root: Path
    domains: dict[str, DomainSettings]


def recognized(path: Path, only: str | None = None, labels: str | None = None) -> list[Recognized]:
    """Finds the data sets in a folder; if there are none, in the folders inside it; if none, in those above it.

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
    inside = sorted(islice((child for child in path.iterdir() if child.is_dir()), MOST_CHILDREN))
    for roots in ([path], inside, list(path.absolute().parents[:2])):
        there = [one for root in roots for one in _in_root(root, names, labels)]
        if there:
            return there
    return []


def _in_root(root: Path, names: Sequence[str], labels: str | None) -> Iterator[Recognized]:
    adapter: TypeAdapter[DomainSettings] = TypeAdapter(DomainSettings)
    for name in names:
        found = LAYOUTS[name].recognize(root)
        if found:
            domains = {key: adapter.validate_python(dict(values)) for key, values in found.items()}
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
