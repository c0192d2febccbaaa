"""Data sets of images and label files in any tree of folders."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from segada.data.discovery.class_tables import class_table
from segada.data.discovery.file_groups import FileGroup, Tree, read_tree
from segada.data.discovery.file_pairs import Family, families, without_labels
from segada.data.discovery.found_classes import found_classes
from segada.data.discovery.label_contents import read_contents
from segada.data.discovery.name_words import LABEL
from segada.data.discovery.recognized import Recognized, domain_settings
from segada.data.discovery.tree_domains import FoundDomain, domains_of

LEAST_SHARE: Final = 0.05
"""Share of the frames of the largest family from which another one is used."""
UNNAMED: Final = "images"
"""Name of a domain whose folder has no usable name."""


def tree_sets(root: Path) -> list[Recognized]:
    """Returns the data sets of a folder: one for each kind of image and label files; none if nothing is paired."""
    tree = read_tree(root)
    known = families(tree.groups)
    used = [family for family in known if family.count >= LEAST_SHARE * known[0].count]
    found = [one for family in used if (one := _set(family, tree)) is not None]
    blank = [f"{_folder(group)} ({len(group.files)})" for group in without_labels(tree.groups, known)]
    if found and blank:
        note = f"images without labels are left out: {', '.join(blank[:3])}{' and more' if len(blank) > 3 else ''}"
        found[0] = replace(found[0], notes=(*found[0].notes, note))
    return found


def lossy_labels(root: Path) -> str:
    """Returns the folder of label files that are stored with loss, which cannot be read; empty if there is none."""
    lossy = ("jpg", "jpeg", "gif", "avif")
    groups = read_tree(root).groups
    found = (group for group in groups if group.ending in lossy and group.folder and LABEL.search(group.folder[-1]))
    return next((_folder(group) for group in found), "")


def _set(family: Family, tree: Tree) -> Recognized | None:
    domains = domains_of(family)
    labels = [path for domain in domains for path in _labels(domain)]
    if not labels:
        return None
    one = family.members[0].labels
    assert one is not None
    classes = found_classes(read_contents(labels), class_table(tree.root, tree.others), f"{one.head}{one.tail}")
    if classes is None:
        return None
    settings = {
        domain.name or tree.root.resolve().name or UNNAMED: domain_settings(
            {"dataset": "folders", **domain.patterns, **classes.settings}
        )
        for domain in domains
    }
    notes = (*classes.notes, *_notes(domains))
    return Recognized("folders", tree.root, settings, classes.classes, notes, classes.is_named)


def _labels(domain: FoundDomain) -> Iterator[Path]:
    for member in (*domain.members, *domain.held_out):
        assert member.labels is not None
        paths = {path.name: path for path in member.labels.paths()}
        yield from (paths[name] for key, name in member.labels.files.items() if key in member.images.files)


def _notes(domains: Sequence[FoundDomain]) -> Iterator[str]:
    for domain in domains:
        if domain.held_out:
            yield f"{_folder(domain.held_out[0].images)} is held out: half of it is the split val, half the split test"
        if domain.unused:
            yield f"{_folder(domain.unused[0].images)} is left out; a domain has one held-out folder"


def _folder(group: FileGroup) -> str:
    return f"{'/'.join(group.folder) or '.'}/"
