"""Pairs of groups of images and labels, gathered into families whose folders differ in names alone."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, TypeAlias

from segada.data.discovery.file_groups import FileGroup
from segada.data.discovery.name_words import pieces

Template: TypeAlias = tuple[str | int, ...]
"""Pieces of a path; a number stands for a piece that images and labels have in common."""

LEAST_SHARED: Final = 0.5
"""Share of the smaller group that must have a partner."""
PREFERRED: Final = ("trainids", "labelids", "ids", "mask", "label")
"""Words of the names of label files, of which the first are taken where an image has several."""
SEPARATORS: Final = frozenset("/_-. ")


@dataclass(frozen=True)
class Member:
    """Folders of a family.

    Attributes:
        values: Pieces of the path that images and labels have in common, in order.
        images: Group of the images.
        labels: Group of the labels; None if there are none.
    """

    values: tuple[str, ...]
    images: FileGroup
    labels: FileGroup | None

    @property
    def count(self) -> int:
        """Number of images that have labels, or of all where there are none."""
        return len(self.images.files) if self.labels is None else len(self.images.files.keys() & self.labels.files)


@dataclass(frozen=True)
class Family:
    """Folders whose paths have one template.

    Attributes:
        images: Template of the folders of the images.
        labels: Template of the folders of the labels.
        members: Folders.
    """

    images: Template
    labels: Template
    members: Sequence[Member]

    @property
    def count(self) -> int:
        """Number of frames."""
        return sum(member.count for member in self.members)


def families(groups: Sequence[FileGroup]) -> list[Family]:
    """Returns the families of images with labels, the largest first."""
    images_of = _images_of_labels(groups)
    found: dict[tuple[object, ...], list[Member]] = defaultdict(list)
    for images in groups:
        partner = _partner(images, [labels for labels, nearest in images_of if any(images is one for one in nearest)])
        if partner is not None:
            one, other, values = _templates(images, partner)
            key = (one, other, images.head, images.tail, partner.head, partner.tail, partner.ending)
            found[key].append(Member(values, images, partner))
    several = [Family(_template(key[0]), _template(key[1]), members) for key, members in found.items()]
    return sorted(several, key=lambda family: -family.count)


def without_labels(groups: Sequence[FileGroup], known: Sequence[Family]) -> list[FileGroup]:
    """Returns the groups of images that are in no family."""
    paired = {id(member.images) for family in known for member in family.members}
    return [group for group in groups if group.nature == "image" and id(group) not in paired]


def _template(value: object) -> Template:
    assert isinstance(value, tuple)
    return value


def _images_of_labels(groups: Sequence[FileGroup]) -> list[tuple[FileGroup, list[FileGroup]]]:
    """Returns the groups of labels, each with the groups of images that have the same keys and are nearest to it in the
    tree: files in other folders may have the same numbers."""
    images = [group for group in groups if group.nature == "image"]
    found = []
    for labels in (group for group in groups if group.nature == "label"):
        near = {
            place: _nearness(one, labels) for place, one in enumerate(images) if _shared(one, labels) >= LEAST_SHARED
        }
        nearest = [images[place] for place, value in near.items() if value == max(near.values())]
        found.append((labels, nearest))
    return found


def _partner(images: FileGroup, labels: Sequence[FileGroup]) -> FileGroup | None:
    """Returns the labels of a group of images: the nearest in the tree."""
    return max(labels, key=lambda group: (_nearness(images, group), *_rank(group)), default=None)


def _shared(images: FileGroup, labels: FileGroup) -> float:
    together = len(images.files.keys() & labels.files.keys())
    return together / min(len(images.files), len(labels.files))


def _nearness(images: FileGroup, labels: FileGroup) -> int:
    one, other = pieces(images.folder), pieces(labels.folder)
    return sum(block.size for block in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks())


def _rank(labels: FileGroup) -> tuple[int, int]:
    words = labels.words.lower()
    place = next((place for place, word in enumerate(PREFERRED) if word in words), len(PREFERRED))
    return -place, len(labels.files)


def _templates(images: FileGroup, labels: FileGroup) -> tuple[Template, Template, tuple[str, ...]]:
    """Returns the templates of both folders and the pieces that they have in common."""
    one, other = pieces(images.folder), pieces(labels.folder)
    pairs = list(_common(one, other))
    numbers = {first: number for number, (first, _) in enumerate(pairs)}
    others = {second: number for number, (_, second) in enumerate(pairs)}
    return (
        tuple(numbers.get(place, piece) for place, piece in enumerate(one)),
        tuple(others.get(place, piece) for place, piece in enumerate(other)),
        tuple(one[first] for first, _ in pairs),
    )


def _common(one: Sequence[str], other: Sequence[str]) -> Iterator[tuple[int, int]]:
    for block in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            if one[block.a + step] not in SEPARATORS:
                yield block.a + step, block.b + step
