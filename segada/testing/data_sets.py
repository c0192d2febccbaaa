"""Contract of every data set."""

import hashlib
from dataclasses import dataclass, replace
from typing import Any, Final, get_args

import numpy as np

from segada.data.datasets.registry import count_frames, labelled_frames, open_domain
from segada.data.frames import Frames, NoFrames
from segada.data.labels import IGNORE
from segada.data.splits import Split
from segada.errors import InputError
from segada.settings.data import DataSettings
from segada.settings.nested import Tree
from segada.testing.findings import Checks, require

SIZES: Final = ((32, 64), (48, 64))
LIMIT: Final = 5
"""Number of frames that are read of each split."""
NAME: Final = "it"


@dataclass(frozen=True)
class DataCase:
    """A domain of the data set.

    Attributes:
        data: Settings with this domain alone, at the first of `SIZES`.
    """

    data: DataSettings

    @classmethod
    def of(cls, name: str, values: Tree) -> "DataCase":
        """Returns a case of a domain with these settings, without a cache.

        `classes` among the values are `data.classes`, and `root` the folder.
        """
        shared = {"classes": values["classes"]} if "classes" in values else {}
        domain = {key: value for key, value in values.items() if key not in shared}
        data: dict[str, Any] = {
            "size": SIZES[0],
            "domains": {NAME: {"dataset": name, **domain}},
            "splits": dict.fromkeys(get_args(Split), LIMIT),
            "loading": {"cache": None},
            **shared,
        }
        return cls(DataSettings.model_validate(data))

    def load(self, split: Split, size: tuple[int, int] = SIZES[0]) -> Frames:
        """Returns the frames of a split at a size."""
        return open_domain(NAME, self.data.model_copy(update={"size": size}), split).load()

    def splits(self) -> list[Split]:
        """Returns the splits that have frames.

        Raises:
            InputError: None has.
        """
        reasons: list[InputError] = []
        found: list[Split] = []
        for split in get_args(Split):
            try:
                count_frames(NAME, self.data, split)
                found.append(split)
            except InputError as error:
                if not isinstance(error.__cause__, NoFrames):
                    raise
                reasons.append(error)
        if not found:
            raise reasons[0]
        return found

    def in_weather(self, weather: str) -> "DataCase":
        """Returns the domain in another weather."""
        domain = self.data.domains[NAME].model_copy(update={"weather": weather})
        return replace(self, data=self.data.model_copy(update={"domains": {NAME: domain}}))


def _types(case: DataCase) -> None:
    known = {*range(len(case.data.classes)), IGNORE}
    for split in case.splits():
        for size in SIZES:
            frames = case.load(split, size)
            count = len(frames)
            require(0 < count <= LIMIT, f"{split} has {count} frames; data.splits.{split} allows {LIMIT}")
            shape, expected = frames.images.shape, (count, *size, 3)
            require(shape == expected, f"images of {split} are {list(shape)}, not {list(expected)}")
            shape = frames.labels.shape
            require(shape == expected[:3], f"labels of {split} are {list(shape)}, not {list(expected[:3])}")
            for what, array in (("images", frames.images), ("labels", frames.labels)):
                require(array.dtype == np.uint8, f"{what} of {split} are {array.dtype}, not uint8")
            ids = {int(number) for number in np.unique(frames.labels)}
            require(ids <= known, f"labels of {split} hold {sorted(ids - known)}, which is no class and not {IGNORE}")


def _counted(case: DataCase) -> None:
    for split in case.splits():
        frames, count = open_domain(NAME, case.data, split), count_frames(NAME, case.data, split)
        require(frames.listed == count, f"listed says {count} frames of {split}, and open {frames.listed}")


def _apart(case: DataCase) -> None:
    seen: dict[bytes, Split] = {}
    for split in case.splits():
        frames = case.load(split)
        for image in frames.images:
            digest = hashlib.sha256(image.tobytes()).digest()
            require(seen.get(digest, split) == split, f"a frame of {split} is also in {seen.get(digest)}")
            seen[digest] = split


def _again(case: DataCase) -> None:
    for split in case.splits():
        first, second = case.load(split), case.load(split)
        require(np.array_equal(first.images, second.images), f"images of {split} differ when they are loaded again")
        require(np.array_equal(first.labels, second.labels), f"labels of {split} differ when they are loaded again")


def _weather(case: DataCase) -> None:
    split = case.splits()[-1]
    clear, rainy = case.in_weather("clear").load(split), case.in_weather("100mm").load(split)
    require(np.array_equal(rainy.labels, clear.labels), "weather changes the labels")
    difference = np.abs(rainy.images.astype(int) - clear.images).mean()
    require(difference > 1, "weather: 100mm renders no rain onto the images")


def _one_by_one(case: DataCase) -> None:
    split = case.splits()[-1]
    names: list[str] = []
    for frame in labelled_frames(NAME, case.data, split):
        require(frame.image.shape == (*SIZES[0], 3), f"labelled yields an image of {list(frame.image.shape)}")
        require(frame.labels.ndim == 2, f"labelled yields labels of {frame.labels.ndim} dimensions, not 2")
        names.append(frame.name)
    count = len(case.load(split))
    require(len(names) == count, f"labelled yields {len(names)} frames of {split}, and open has {count}")
    require(len(set(names)) == len(names), "labelled yields two frames of one name")


DATA_CHECKS: Final[Checks[DataCase]] = {
    "frames have the size, the types and the classes of the engine": _types,
    "frames are counted as they are read": _counted,
    "no frame is in two splits": _apart,
    "loading again gives the same frames": _again,
    "weather changes the images and not the labels": _weather,
    "frames come one by one with labels, under names of their own": _one_by_one,
}
