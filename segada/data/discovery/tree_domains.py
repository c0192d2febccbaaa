"""Domains of a tree of folders: patterns of images and labels, by the names of the folders."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final, Literal, TypeAlias

from segada.data.discovery.file_groups import FileGroup
from segada.data.discovery.file_pairs import Family, Member, Template
from segada.data.discovery.name_words import DOMAIN, Part, is_numbered, part_of

Use: TypeAlias = Literal["fixed", "part", "domain", "recording"]

MOST_DOMAINS: Final = 12
"""Number of domains of a tree; folders beyond it are recordings of one domain."""
MOST_NAMES: Final = 8
"""Number of folders without a telling name that are taken for domains."""
LEAST_FRAMES: Final = 4
"""Number of frames of a domain."""


@dataclass(frozen=True)
class FoundDomain:
    """A domain of a tree.

    Attributes:
        name: Name, empty if nothing in the tree names it.
        patterns: Patterns by setting of `FoldersDomain`.
        members: Folders of the source and adapt splits.
        held_out: Folders of the val and test splits, if they are stored apart.
        unused: Folders of a further part.
    """

    name: str
    patterns: Mapping[str, str]
    members: Sequence[Member]
    held_out: Sequence[Member]
    unused: Sequence[Member]

    @property
    def count(self) -> int:
        """Number of frames."""
        return sum(member.count for member in (*self.members, *self.held_out))


def domains_of(family: Family) -> list[FoundDomain]:
    """Returns the domains of a family of folders, those with few frames left out."""
    uses = _uses(family)
    by_name: dict[tuple[str, ...], list[Member]] = defaultdict(list)
    for member in family.members:
        name = tuple(value for value, use in zip(member.values, uses, strict=True) if use == "domain")
        by_name[name].append(member)
    found = [_domain("_".join(name), members, family, uses) for name, members in by_name.items()]
    return [domain for domain in found if domain.count >= LEAST_FRAMES]


def _uses(family: Family) -> list[Use]:
    """Returns the meaning of each common piece of the paths."""
    columns = list(zip(*(member.values for member in family.members), strict=True))
    uses: list[Use] = []
    for place, column in enumerate(columns):
        uses.append(_use(place, {*column}, family))
    domains = [place for place, use in enumerate(uses) if use == "domain"]
    if prod(len({*columns[place]}) for place in domains) > MOST_DOMAINS:
        uses = ["recording" if use == "domain" else use for use in uses]
    return uses


def _use(place: int, values: set[str], family: Family) -> Use:
    if all(part_of(value) is not None for value in values):
        return "part"
    if len(values) == 1:
        return "fixed"
    if is_numbered(values):
        return "recording"
    if any(DOMAIN.search(value) for value in values):
        return "domain"
    return "domain" if len(values) <= MOST_NAMES and _in_all_parts(place, values, family) else "recording"


def _in_all_parts(place: int, values: set[str], family: Family) -> bool:
    """Returns True if every part of the data set has all of these folders."""
    by_part: dict[tuple[Part | None, ...], set[str]] = defaultdict(set)
    for member in family.members:
        by_part[tuple(part_of(value) for value in member.values)].add(member.values[place])
    return all(there == values for there in by_part.values())


def _domain(name: str, members: Sequence[Member], family: Family, uses: Sequence[Use]) -> FoundDomain:
    by_part: dict[Part | None, list[Member]] = defaultdict(list)
    for member in members:
        words = [part_of(value) for value, use in zip(member.values, uses, strict=True) if use == "part"]
        by_part[words[0] if words else None].append(member)
    order = [part for part in ("train", None, "val", "test") if part in by_part]
    first, *rest = (_one_folder_each(by_part[part]) for part in order)
    held_out = rest[0] if rest else []
    patterns = dict(zip(("images", "labels"), _patterns(first, family, uses), strict=True))
    if held_out:
        patterns |= dict(zip(("held_out_images", "held_out_labels"), _patterns(held_out, family, uses), strict=True))
    return FoundDomain(name, patterns, first, held_out, [member for more in rest[1:] for member in more])


def _one_folder_each(members: list[Member]) -> list[Member]:
    """Returns the members whose part has the most frequent name: `train`, where there is `training`, too."""
    words = [tuple(value for value in member.values if part_of(value)) for member in members]
    common = max(sorted(set(words)), key=words.count)
    return [member for member, word in zip(members, words, strict=True) if word == common]


def _patterns(members: Sequence[Member], family: Family, uses: Sequence[Use]) -> tuple[str, str]:
    """Returns the patterns of the images and the labels of some folders."""
    # Of the other uses every member has the same piece.
    values = ["*" if use == "recording" else members[0].values[place] for place, use in enumerate(uses)]
    images, labels = members[0].images, members[0].labels
    assert labels is not None
    ending = _ending(members, together=family.images == family.labels)
    wildcard = _wildcard(members, images, labels) if family.images == family.labels and ending == labels.ending else "*"
    return (
        f"{_above(family.images, values)}{images.head}{wildcard}{images.tail}.{ending}",
        f"{_above(family.labels, values)}{labels.head}{wildcard}{labels.tail}.{labels.ending}",
    )


def _ending(members: Sequence[Member], *, together: bool) -> str:
    """Returns the suffix of the images: `*` for several, unless labels are in the same folders."""
    endings = {member.images.ending for member in members}
    return "*" if len(endings) > 1 and not together else max(members, key=lambda member: member.count).images.ending


def _wildcard(members: Sequence[Member], images: FileGroup, labels: FileGroup) -> str:
    """Returns `*`, or `????` where `*` would take the label files of the same folder for images."""
    lengths = {len(key) for member in members for key in member.images.files}
    is_taken = labels.head.startswith(images.head) and labels.tail.endswith(images.tail)
    return "?" * lengths.pop() if is_taken and len(lengths) == 1 else "*"


def _above(template: Template, values: Sequence[str]) -> str:
    path = "".join(values[piece] if isinstance(piece, int) else piece for piece in template)
    return f"{path}/" if path else ""
