"""What a folder on a disk is: which data sets lie in it, and as which domains a run can have them."""

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
"""Folders inside the folder that are looked into."""
MOST_SHOWN: Final = 12
"""Names that are shown of a folder which is nothing known."""


@dataclass(frozen=True)
class Recognized:
    """A data set.

    Attributes:
        layout: Its name.
        root: Where it lies.
        domains: By a name for each.
    """

    layout: str
    root: Path
    domains: dict[str, DomainSettings]


def recognized(path: Path, only: str | None = None, labels: str | None = None) -> list[Recognized]:
    """The data sets in a folder; or else in the folders inside it; or else of those above it, of which it is a part.

    Args:
        path: The folder.
        only: Name of the layout that is looked for; None looks for all.
        labels: `labels_root` of those that have their labels elsewhere.

    Raises:
        InputError: there is no such folder or layout.
    """
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder (seen from {Path.cwd()}); write where the data are")
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
    """Lines that say what is in a folder, and what is expected of those that are known."""
    names = [f"{child.name}/" if child.is_dir() else child.name for child in sorted(path.iterdir())]
    more = f" and {len(names) - MOST_SHOWN} more" if len(names) > MOST_SHOWN else ""
    yield f"{path} has {', '.join(names[:MOST_SHOWN]) or 'nothing in it'}{more}"
    yield "known are:"
    for name, layout in LAYOUTS.items():
        yield f"  {name}: {layout.expects}"
