"""Names of the 19 Cityscapes classes, in the order of their train ids, and those that a map of ids can give."""

from typing import Final

NAMES: Final = (
    "road",
    "sidewalk",
    "building",
    "wall",
    "fence",
    "pole",
    "traffic light",
    "traffic sign",
    "vegetation",
    "terrain",
    "sky",
    "person",
    "rider",
    "car",
    "truck",
    "bus",
    "train",
    "motorcycle",
    "bicycle",
)
IGNORED: Final = 255
"""Train id of pixels that count neither in losses nor in scores."""
MEANINGS: Final = {
    **{name: index for index, name in enumerate(NAMES)},
    "ignore": IGNORED,
    **{str(index): index for index in (*range(len(NAMES)), IGNORED)},
}
"""Train id of everything that a class can be called in `classes`: its name, its train id as text, or `ignore`."""


def checked_class(name: str) -> str:
    """Returns the name itself.

    Raises:
        ValueError: It is no key of `MEANINGS`.
    """
    if name not in MEANINGS:
        raise ValueError(f"{name!r} is no class; write ignore, a train id 0 to 18, or one of {', '.join(NAMES)}")
    return name
