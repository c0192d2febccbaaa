"""A data set found on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter

from segada.settings.class_sets import CITYSCAPES, ClassSet
from segada.settings.data import DomainSettings


@dataclass(frozen=True)
class Recognized:
    """A data set found on disk.

    Attributes:
        layout: Name of its layout.
        root: Root folder.
        domains: Domains by name; empty where nothing in the folder names a domain.
        classes: Classes of its labels.
        notes: Findings and assumptions about it.
        is_named: False if the classes are numbered, since nothing names them.
        has_labels: False if its images have no labels.
    """

    layout: str
    root: Path
    domains: Mapping[str, DomainSettings]
    classes: ClassSet = CITYSCAPES
    notes: Sequence[str] = ()
    is_named: bool = True
    has_labels: bool = True


def domain_settings(values: Mapping[str, object]) -> DomainSettings:
    """Returns the settings of a domain; raises pydantic's ValidationError if they do not agree."""
    adapter: TypeAdapter[DomainSettings] = TypeAdapter(DomainSettings)
    return adapter.validate_python(dict(values))
