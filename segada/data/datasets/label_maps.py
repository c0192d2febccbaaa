"""Maps from the ids in label files to train ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from segada.data.datasets.number_files import Numbers, read_numbers
from segada.data.datasets.picture_files import read_colors
from segada.data.frames import Bytes, WrongSetting
from segada.data.labels import IGNORE
from segada.settings.class_sets import CITYSCAPES, IGNORED, ClassSet

Color: TypeAlias = tuple[int, int, int]

OUTSIDE: Final = -1
MOST_IN_TABLE: Final = 65535
"""Greatest id that is looked up in a table; others are rare, and a table up to them could be large."""
MOST_NAMED: Final = 5
"""Number of classes that an error names."""


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Classes of the ids of one kind of label file.

    Attributes:
        said: Description of the ids for errors: `labelIds 0 to 33`.
        classes: Train id or 255 (ignored) of every id; an id that is missing is an error.
        channel: Channel of the files that holds the ids; None if they have only one.
        others_ignored: True if a missing id or color is ignored instead.
        colors: Id of each color (red, green, blue), if the files hold colors; empty if they hold ids.
    """

    said: str
    classes: Mapping[int, int]
    channel: int | None = None
    others_ignored: bool = False
    colors: Mapping[Color, int] = field(default_factory=dict)

    def identity(self) -> str:
        """Returns a text that is the same for maps that give the same labels."""
        colors = f" {sorted(self.colors.items())}" if self.colors else ""
        return f"{sorted(self.classes.items())} {self.channel} {self.others_ignored}{colors}"

    def read(self, path: Path) -> Bytes:
        """Reads the train ids of a label file, uint8 [H, W].

        Raises:
            UnreadableFrame: The file is damaged.
            ValueError: Its ids are not those of the map, or not in one channel.
        """
        if self.colors:
            return self._read_colors(path)
        ids = read_numbers(path, self.channel)
        if ids.min() >= 0 and ids.max() <= MOST_IN_TABLE:
            labels = self._table(max(int(ids.max()), IGNORE) + 1)[ids]
        else:
            labels = self._looked_up(ids)
        if labels.min() == OUTSIDE:
            self._refuse(path, ids[labels == OUTSIDE])
        return labels.astype(np.uint8)

    def _read_colors(self, path: Path) -> Bytes:
        codes = _codes(read_colors(path))
        known = {_code(color): self.classes.get(number, IGNORE) for color, number in self.colors.items()}
        there, places = np.unique(codes, return_inverse=True)
        strange = [code for code in there.tolist() if code not in known]
        if strange and not self.others_ignored:
            color = [strange[0] >> 16, strange[0] >> 8 & 255, strange[0] & 255]
            raise WrongSetting(
                f"{path} has the color {color} of no class at {np.count_nonzero(codes == strange[0])} pixels; "
                "add it to the set of classes, or ignore such pixels with unlisted: ignore",
                *("label_set", "labels"),
            )
        labels = np.array([known.get(code, IGNORE) for code in there.tolist()], np.uint8)
        return labels[places].reshape(codes.shape)

    def _table(self, length: int) -> npt.NDArray[np.int16]:
        table = np.full(length, self._missing, np.int16)
        for number, label in self.classes.items():
            # A negative index would count from the end.
            if 0 <= number < length:
                table[number] = label
        return table

    def _looked_up(self, ids: Numbers) -> npt.NDArray[np.int16]:
        numbers, places = np.unique(ids, return_inverse=True)
        labels = np.array([self.classes.get(int(number), self._missing) for number in numbers], np.int16)
        return labels[places.reshape(ids.shape)]

    @property
    def _missing(self) -> int:
        return IGNORE if self.others_ignored else OUTSIDE

    def _refuse(self, path: Path, strange: Numbers) -> None:
        number, others = int(strange.min()), int(strange.max())
        more = f", and others up to {others}" if others > number else ""
        raise WrongSetting(
            f"{path} has id {number} at {np.count_nonzero(strange == number)} pixels{more}, but these files have "
            f"{self.said}; if it is right, name it in classes of a domain of the data set folders, or set unlisted: "
            "ignore there",
            "classes",
            "labels",
        )


def _codes(colors: Bytes) -> npt.NDArray[np.int32]:
    """Returns colors [H, W, 3] as one number per pixel, int32 [H, W]."""
    red, green, blue = np.moveaxis(colors.astype(np.int32), -1, 0)
    return np.asarray(red << 16 | green << 8 | blue, np.int32)


def _code(color: Color) -> int:
    return color[0] << 16 | color[1] << 8 | color[2]


class LabelReader(Protocol):
    """Reader of label files in one set of classes."""

    def identity(self) -> str:
        """Returns a text that is the same for readers that give the same labels."""

    def read(self, path: Path) -> Bytes:
        """Returns the labels of a file, uint8 [H, W]; raises ValueError if it is not as expected."""


class LabelIds(Protocol):
    """Meaning of the ids of a kind of label file, for any set of classes."""

    def into(self, classes: ClassSet) -> LabelReader:
        """Returns the reader in a set of classes; raises ValueError if there is none."""


@dataclass(frozen=True, slots=True)
class NamedIds:
    """Classes of the ids of one kind of label file, by name.

    Attributes:
        said: Description of the ids for errors: `labelIds 0 to 33`.
        names: Name of the class of every id; of several names, the first that a set of classes has. None is ignored; an
            id that is missing is an error.
        channel: Channel of the files that holds the ids; None if they have only one.
    """

    said: str
    names: Mapping[int, str | tuple[str, ...] | None]
    channel: int | None = None

    def into(self, classes: ClassSet) -> LabelMap:
        """Returns the map to a set of classes; names that it does not have are ignored.

        Raises:
            ValueError: The set has none of the names.
        """
        found = {number: _label(name, classes) for number, name in self.names.items()}
        if all(label == IGNORE for label in found.values()):
            raise ValueError(
                f"these files have {self.said}, and none of their classes is in data.classes "
                f"({', '.join(classes.names[:MOST_NAMED])}, ...); choose the set of classes that fits them"
            )
        return LabelMap(self.said, found, self.channel)


def in_order(said: str, names: Sequence[str | tuple[str, ...] | None], channel: int | None = None) -> NamedIds:
    """Returns the classes of the ids 0, 1, 2 ...; None is ignored."""
    return NamedIds(said, dict(enumerate(names)), channel)


def _label(name: str | tuple[str, ...] | None, classes: ClassSet) -> int:
    names = () if name is None else (name,) if isinstance(name, str) else name
    return next((label for one in names if (label := classes.number(one)) is not None), IGNORE)


TRAIN_IDS: Final = NamedIds("labelTrainIds 0 to 18 and 255", {**dict(enumerate(CITYSCAPES.names)), 255: None})

_CITYSCAPES: Final = {
    "road": 7,
    "sidewalk": 8,
    "building": 11,
    "wall": 12,
    "fence": 13,
    "pole": 17,
    "traffic light": 19,
    "traffic sign": 20,
    "vegetation": 21,
    "terrain": 22,
    "sky": 23,
    "person": 24,
    "rider": 25,
    "car": 26,
    "truck": 27,
    "bus": 28,
    "train": 31,
    "motorcycle": 32,
    "bicycle": 33,
}
LABEL_IDS: Final = NamedIds(
    "labelIds 0 to 34 and 255",
    # License plates are 34 in GTA5, 255 in other data sets, and -1 in the list of classes.
    {**dict.fromkeys((*range(35), 255)), **{number: name for name, number in _CITYSCAPES.items()}},
)
"""Ids of Cityscapes, of which 19 are classes."""


@dataclass(frozen=True, slots=True)
class GivenIds:
    """Classes of the ids of label files as settings give them.

    Attributes:
        ids: Ids by class name, number of a class as text, or `ignore`; empty if `label_set` or the set of classes has
            the ids.
        label_set: Set of classes that the files were labelled with, if it is another one; None if they have the ids of
            the set that they are mapped to.
        by_color: True if the files hold the colors of `label_set`, or of the set of classes.
        channel: Channel of the files that holds the ids.
        others_ignored: True to ignore ids and colors that are not named.
    """

    ids: Mapping[str, Sequence[int]]
    label_set: ClassSet | None = None
    by_color: bool = False
    channel: int | None = None
    others_ignored: bool = False

    def into(self, classes: ClassSet) -> LabelMap:
        """Returns the map to a set of classes.

        Raises:
            WrongSetting: No class has an id, or colors are not known.
        """
        said, found = self._named(classes) if self.ids else self._of_set(classes)
        colors = _ids_of_colors(self.label_set or classes) if self.by_color else {}
        return LabelMap(said, found, self.channel, self.others_ignored, colors)

    def _named(self, classes: ClassSet) -> tuple[str, dict[int, int]]:
        meanings, found = classes.meanings(), dict[int, int]()
        for name, ids in self.ids.items():
            found |= dict.fromkeys(ids, meanings[name])
        if set(found.values()) <= {IGNORE}:
            raise WrongSetting(
                f"classes gives ids to {IGNORED} alone; give some to the classes of data.classes", "classes"
            )
        return f"the ids {', '.join(map(str, sorted(found)))} that classes names", found

    def _of_set(self, classes: ClassSet) -> tuple[str, dict[int, int]]:
        known = self.label_set or classes
        names: dict[int, str | None] = {known.first_id + number: name for number, name in enumerate(known.names)}
        last = known.first_id + len(known) - 1
        ignored = ", ".join(map(str, known.ignored_ids))
        said = f"ids {known.first_id} to {last}{f' and {ignored}' if ignored else ''}"
        return said, dict(NamedIds(said, names | dict.fromkeys(known.ignored_ids)).into(classes).classes)


def _ids_of_colors(known: ClassSet) -> dict[Color, int]:
    """Returns the id of each color of a set.

    Raises:
        WrongSetting: The set has no colors, or a color twice.
    """
    if not known.colors:
        raise WrongSetting(
            "labels_are is colors, but the set of classes has no colors; give it colors, one for each name",
            "label_set",
            "labels_are",
        )
    repeated = next((color for color in known.colors if known.colors.count(color) > 1), None)
    if repeated is not None:
        raise WrongSetting(
            f"the color {list(repeated)} belongs to two classes; give each a color of its own", "label_set"
        )
    return {color: known.first_id + number for number, color in enumerate(known.colors)}
