"""Detection of the networks in a file: nested, under any prefix, and possibly several."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from torch import Tensor

from segada.models.formats.registry import FORMATS, TIMM_NAMES, Format

DEEPEST = 3
"""Depth of nested mappings that are searched for tensors."""


@dataclass(frozen=True, slots=True)
class Copy:
    """One network of a file.

    Attributes:
        label: Name for messages and options: its path in the file, and the prefix of its names.
        formats: Formats whose marks its names have.
        tensors: Tensors by name, without the prefix.
        beside: Names in the same mapping that do not belong to this network.
    """

    label: str
    formats: tuple[Format, ...]
    tensors: Mapping[str, Tensor]
    beside: tuple[str, ...]


def find_copies(content: Mapping[str, Any]) -> list[Copy]:
    """Returns every network in the content whose names have the marks of a known format."""
    copies = []
    for place, tensors in state_dicts(content):
        formats_by_root: dict[str, list[Format]] = {}
        for format_ in FORMATS:
            for root in _roots(format_, list(tensors)):
                formats_by_root.setdefault(root, []).append(format_)
        for root, formats in formats_by_root.items():
            inside = {name.removeprefix(root): tensor for name, tensor in tensors.items() if name.startswith(root)}
            label = ".".join(word for word in (place, root.rstrip(".")) if word)
            beside = tuple(name for name in tensors if not name.startswith(root))
            copies.append(Copy(label or "all of it", tuple(formats), inside, beside))
    return copies


def copies_by_names(content: Mapping[str, Any], names: Collection[str]) -> list[Copy]:
    """Returns every network in the content with at least half of these names, of timm's, below one prefix."""
    copies = []
    for place, tensors in state_dicts(content):
        found = Counter(root for name in tensors for root in _prefixes(name) if name.removeprefix(root) in names)
        for root in (root for root, count in found.items() if 2 * count >= len(names)):
            inside = {name.removeprefix(root): tensor for name, tensor in tensors.items() if name.startswith(root)}
            label = ".".join(word for word in (place, root.rstrip(".")) if word)
            beside = tuple(name for name in tensors if not name.startswith(root))
            copies.append(Copy(label or "all of it", (TIMM_NAMES,), inside, beside))
    return copies


def _prefixes(name: str) -> list[str]:
    words = name.split(".")
    return ["".join(f"{word}." for word in words[:count]) for count in range(len(words))]


def state_dicts(content: Mapping[str, Any], place: str = "", depth: int = 0) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Yields every mapping from names to tensors in nested mappings, with the path of keys that leads to it."""
    tensors = {name: value for name, value in content.items() if isinstance(name, str) and isinstance(value, Tensor)}
    if tensors:
        yield place, tensors
    if depth < DEEPEST:
        for name, value in content.items():
            if isinstance(value, dict):
                yield from state_dicts(value, f"{place}.{name}" if place else str(name), depth + 1)


def _roots(format_: Format, names: Sequence[str]) -> list[str]:
    """Returns the prefixes of names after which the format's marks follow, all required and none of the excluded
    ones."""
    first, *others = [_before(mark, names) for mark in format_.marks]
    never = [_before(mark, names) for mark in format_.without]
    return [root for root in first if all(root in there for there in others) and not any(root in bad for bad in never)]


def _before(mark: str, names: Sequence[str]) -> list[str]:
    """Returns the prefixes before a mark, in the order of the names."""
    pattern = _pattern(mark)
    return list(dict.fromkeys(match[1] for match in map(pattern.fullmatch, names) if match))


@cache
def _pattern(mark: str) -> re.Pattern[str]:
    # Lazy match before the mark, so that an optional word of the mark belongs to the mark.
    return re.compile(rf"((?:.*?\.)??)(?:{mark})(?:\..*)?")
