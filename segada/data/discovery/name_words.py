"""Words in the names of files and folders by which people tell images, labels, parts and domains apart."""

import re
from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Part: TypeAlias = Literal["train", "val", "test"]

PARTS: Final[Mapping[str, Part]] = {
    **dict.fromkeys(("train", "training", "trainval"), "train"),
    **dict.fromkeys(("val", "valid", "validation", "dev"), "val"),
    **dict.fromkeys(("test", "testing", "eval", "holdout"), "test"),
}
"""Part of a data set that a word means."""
IMAGE: Final = re.compile(r"ima?ge?s?|rgb|photo|picture|camera|frames?(?![a-z])|raw|left|jpe?g", re.IGNORECASE)
LABEL: Final = re.compile(
    r"mask|label|annot|(?<![a-z])gt|gt(?![a-z])|ground.?truth|seg|ids(?![a-z])|semantic|colou?r", re.IGNORECASE
)
OTHER: Final = re.compile(
    r"depth|dispar|instance|panoptic|flow(?!er)|normals|edges|overlay|preview|vis(?:ual|$)", re.IGNORECASE
)
"""Pictures that are neither images nor labels of classes."""
_ROLES: Final = re.compile(rf"^(?:(?:{IMAGE.pattern}|{LABEL.pattern})[a-z0-9]*)$", re.IGNORECASE)
DOMAIN: Final = re.compile(
    r"clear|sun|day|night|dusk|dawn|evening|morning|noon|rain|fog|mist|haze|snow|cloud|overcast|storm|wet|dry|dark|"
    r"bright|winter|summer|spring|autumn|indoor|outdoor|synth|real|sim|source|target|\d+mm",
    re.IGNORECASE,
)
"""Conditions that are domains."""
SOURCE: Final = re.compile(r"clear|sun|day|source|synth|sim|train|dry|bright|normal", re.IGNORECASE)
"""Names of domains that models are usually trained on."""


def part_of(word: str) -> Part | None:
    """Returns the part of a data set that a word means, as in `train` and `val2017`; None if it means none."""
    return PARTS.get(re.sub(r"\d+$", "", word.lower()))


def pieces(folders: tuple[str, ...]) -> tuple[str, ...]:
    """Returns the folders of a path and the slashes between them, each folder `train_images` as `train`, `_`,
    `images`: a word for a part or for images and labels at its start or end is a piece of its own."""
    found: list[str] = []
    for folder in folders:
        found += [*_split(folder), "/"]
    return tuple(found[:-1])


def _split(folder: str) -> tuple[str, ...]:
    first = re.fullmatch(r"([^_\-. ]+)([_\-. ])(.+)", folder)
    if first is not None and _is_special(first[1]):
        return first.groups()
    last = re.fullmatch(r"(.+)([_\-. ])([^_\-. ]+)", folder)
    if last is not None and _is_special(last[3]):
        return last.groups()
    return (folder,)


def _is_special(word: str) -> bool:
    return part_of(word) is not None or _ROLES.match(word) is not None


def is_numbered(names: set[str]) -> bool:
    """Returns True if names differ by their digits alone, as those of recordings do."""
    return len({re.sub(r"\d+", "", name) for name in names}) == 1
