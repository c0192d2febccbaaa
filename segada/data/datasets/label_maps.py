"""Maps from the ids in label files to train ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from segada.data.datasets.number_files import Numbers, read_numbers
from segada.data.frames import Bytes, WrongSetting
from segada.data.labels import IGNORE, NAMES, NUM_CLASSES
from segada.settings.class_names import MEANINGS

OUTSIDE: Final = -1
MOST_IN_TABLE: Final = 65535
"""Greatest id that is looked up in a table; others are rare, and a table up to them could be large."""


@dataclass(frozen=True, slots=True)
class LabelMap:
    """Classes of the ids of one kind of label file.

    Attributes:
        said: Description of the ids for errors: `labelIds 0 to 33`.
        classes: Train id or 255 (ignored) of every id; an id that is missing is an error.
        channel: Channel of the files that holds the ids; None if they have only one.
        others_ignored: True if a missing id is ignored instead.
    """

    said: str
    classes: Mapping[int, int]
    channel: int | None = None
    others_ignored: bool = False

    def identity(self) -> str:
        """Returns a text that is the same for maps that give the same labels."""
        return f"{sorted(self.classes.items())} {self.channel} {self.others_ignored}"

    def read(self, path: Path) -> Bytes:
        """Reads the train ids of a label file, uint8 [H, W].

        Raises:
            UnreadableFrame: The file is damaged.
            ValueError: Its ids are not those of the map, or not in one channel.
        """
        ids = read_numbers(path, self.channel)
        if ids.min() >= 0 and ids.max() <= MOST_IN_TABLE:
            labels = self._table(max(int(ids.max()), IGNORE) + 1)[ids]
        else:
            labels = self._looked_up(ids)
        if labels.min() == OUTSIDE:
            self._refuse(path, ids[labels == OUTSIDE])
        return labels.astype(np.uint8)

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


def in_order(said: str, names: Sequence[str | None], channel: int | None = None) -> LabelMap:
    """Returns a map of the ids 0, 1, 2 ... to these classes; None is ignored."""
    labels = {number: IGNORE if name is None else NAMES.index(name) for number, name in enumerate(names)}
    return LabelMap(said, labels, channel)


TRAIN_IDS: Final = LabelMap(
    "labelTrainIds 0 to 18 and 255", {**{index: index for index in range(NUM_CLASSES)}, 255: 255}
)

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
LABEL_IDS: Final = LabelMap(
    "labelIds 0 to 34 and 255",
    # License plates are 34 in GTA5, 255 in other data sets, and -1 in the list of classes.
    {**dict.fromkeys((*range(35), 255), IGNORE), **{_CITYSCAPES[name]: NAMES.index(name) for name in NAMES}},
)
"""Ids of Cityscapes, of which 19 are classes."""


def from_classes(
    classes: Mapping[str, Sequence[int]], channel: int | None = None, *, others_ignored: bool = False
) -> LabelMap:
    """Builds a map from settings.

    Args:
        classes: Ids by Cityscapes name, train id as text, or `ignore`; empty for train ids.
        channel: Channel of the files that holds the ids.
        others_ignored: True to ignore ids that are not named.
    """
    if not classes:
        return LabelMap(TRAIN_IDS.said, TRAIN_IDS.classes, channel, others_ignored)
    found = {number: MEANINGS[name] for name, ids in classes.items() for number in ids}
    return LabelMap(f"the ids {', '.join(map(str, sorted(found)))} that classes names", found, channel, others_ignored)
