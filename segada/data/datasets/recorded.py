"""Frames of data sets stored in files: listed by their layout, read, resized, rendered in weather, cached."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np

from segada.data.cache.decoding import count_workers, in_order
from segada.data.cache.frame_cache import FrameRequest, Unreadable, cached_frames
from segada.data.datasets.domain_frames import (
    DecodedDomain,
    LabelledFrame,
    ListedFrames,
    check_share,
    numbered,
)
from segada.data.datasets.found_files import MissingFolder
from segada.data.datasets.frame_files import FrameFiles, Layout, Listing
from segada.data.datasets.label_maps import LabelIds
from segada.data.datasets.measured_depth import measured_depth
from segada.data.datasets.picture_files import resized_image, resized_labels
from segada.data.frames import Bytes, NoFrames, UnreadableFrame, WrongSetting
from segada.data.labels import IGNORE
from segada.data.splits import Split
from segada.data.weather.depth import Depth, geometric_depth
from segada.data.weather.weather import parse_weather, render_weather
from segada.settings.class_sets import ClassSet
from segada.settings.data import DataSettings
from segada.settings.domains import RecordedDomain
from segada.settings.folders import expand

VERSION: Final = 2
"""Version of the decoding in this module; another number makes caches decode again."""
SKEW: Final = 0.02
"""Greatest relative difference between the aspect ratios of an image and its labels, which may be of another size."""

LABELS: Final = ("labels", "labels_root", "root")
"""Settings of a domain that say where its labels are, if it has them."""


def read_pair(files: FrameFiles, classes: ClassSet) -> tuple[Bytes, Bytes]:
    """Reads the image [H, W, 3] and labels [h, w] of a frame, at the resolution of their files.

    Raises:
        UnreadableFrame: A file is damaged, or image and labels do not belong together.
        ValueError: A file is not as the data set defines it.
    """
    picture = files.picture()
    if files.labels is None:
        return picture, np.full(picture.shape[:2], IGNORE, np.uint8)
    labels = files.ids.into(classes).read(files.labels)
    (height, width), (rows, columns) = picture.shape[:2], labels.shape
    if abs(height * columns - width * rows) > SKEW * width * rows:
        reason = f"is {width} x {height}, but its labels {files.labels} are {columns} x {rows}: not of one frame"
        raise UnreadableFrame(files.image, reason)
    return picture, labels


def _distinct(files: Iterable[FrameFiles]) -> Iterable[LabelIds]:
    return {id(one.ids): one.ids for one in files}.values()


@dataclass(frozen=True)
class Decoding:
    """Decoding of the listed frames of a domain.

    Attributes:
        listing: All frames of the split.
        files: Files of each frame that is used, by number.
        size: Height and width of the decoded frames.
        weather: Name of the weather.
        horizon: Horizon of the geometric estimate of depth.
        seed: Seed of the weather.
        classes: Classes of the labels.
    """

    listing: Listing
    files: tuple[FrameFiles, ...]
    size: tuple[int, int]
    weather: str
    horizon: float
    seed: int
    classes: ClassSet

    def __call__(self, number: int) -> tuple[Bytes, Bytes]:
        """Returns the image [H, W, 3] and labels [H, W] of a frame, at `size`; raises the errors of `native`."""
        image, _, labels = self.native(number)
        return image, labels

    def native(self, number: int) -> tuple[Bytes, Bytes, Bytes]:
        """Returns the image of a frame at `size`, its labels at the resolution of their file, and the labels at `size`.

        Raises:
            UnreadableFrame: A file is damaged, or image and labels do not belong together.
            ValueError: A file is not as the data set defines it.
        """
        picture, native = read_pair(self.files[number], self.classes)
        image, labels = self.rendered(number, picture, native)
        return image, native, labels

    def rendered(self, number: int, picture: Bytes, native: Bytes) -> tuple[Bytes, Bytes]:
        """Returns the image and labels of a frame at `size`, from those at the resolution of their files; raises the
        errors of `native` about its depth.
        """
        image, labels = resized_image(picture, self.size), resized_labels(native, self.size)
        weather, depth = parse_weather(self.weather), self._depth(self.files[number], labels)
        return render_weather(image[None], depth, weather, self.seed, (number,))[0], labels

    def _depth(self, files: FrameFiles, labels: Bytes) -> Depth:
        if files.depth is None:
            return self._estimate
        return measured_depth(files.depth.nearness(), labels, self._estimate, self.classes.number("sky"))

    @cached_property
    def _estimate(self) -> Depth:
        return geometric_depth(self.size, self.horizon)


class LabelledFrames:
    """Iterable over the frames of a domain without the unreadable ones; can be iterated repeatedly.

    Attributes:
        unreadable: Unreadable frames found so far.
    """

    def __init__(self, decoding: Decoding, data: DataSettings) -> None:
        self._decoding = decoding
        self._loading = data.loading
        self.unreadable: list[Unreadable] = []

    def __len__(self) -> int:
        """Returns the number of listed frames, unreadable ones included."""
        return len(self._decoding.files)

    def __iter__(self) -> Iterator[LabelledFrame]:
        """Yields the frames, which are decoded ahead.

        Raises:
            ValueError: More frames than `data.loading.unreadable_share` are unreadable.
        """
        self.unreadable.clear()
        for frame in in_order(self._frame, range(len(self)), count_workers(self._loading.workers)):
            if isinstance(frame, LabelledFrame):
                yield frame
                continue
            self.unreadable.append(frame)
            check_share(len(self), self.unreadable, self._loading.unreadable_share)

    def _frame(self, number: int) -> LabelledFrame | Unreadable:
        try:
            image, native, _ = self._decoding.native(number)
        except UnreadableFrame as failure:
            return Unreadable(number, failure.path, failure.reason)
        return LabelledFrame(self._decoding.files[number].name, image, native)


@dataclass(frozen=True, slots=True)
class Recorded:
    """A data set of files.

    Attributes:
        layout: Layout of the files.
    """

    layout: Layout

    @property
    def recorded(self) -> bool:
        """Always True."""
        return True

    def listed(self, domain: RecordedDomain, data: DataSettings, split: Split) -> ListedFrames:
        """Counts the frames of a split; reads none. Raises the errors of `open` about listing."""
        decoding = self.decoding(domain, data, split)
        return ListedFrames(len(decoding.files), decoding.listing.left_out)

    def open(self, domain: RecordedDomain, data: DataSettings, split: Split) -> DecodedDomain:
        """Returns the decoded frames of a split of a domain, from the cache if it has them.

        Raises:
            ValueError: A folder or a file is missing or not as the layout defines it, or no frame is in the split.
        """
        decoding = self.decoding(domain, data, split)
        maps = {ids.into(data.classes).identity() for ids in _distinct(decoding.files)}
        depths = {str(files.depth and files.depth.units) for files in decoding.files}
        # Files without moments keep the keys that they had before there were videos.
        moments = [files.moment.number for files in decoding.files if files.moment is not None]
        facts = repr((VERSION, sorted(maps), sorted(depths), decoding.horizon, decoding.seed, *moments))
        made = hashlib.sha256(facts.encode()).hexdigest()[:12]
        request = FrameRequest(
            identity=f"{self.layout.name} for {split} in {domain.weather} weather (made as {made})",
            files=tuple(dict.fromkeys(path for files in decoding.files for path in files.paths())),
            numbers=tuple(range(len(decoding.files))),
            size=decoding.size,
            decode=decoding,
        )
        decoded = cached_frames(request, data.loading)
        names = [self.layout.recording(decoding.files[number].name) for number in decoded.numbers]
        left_out = decoding.listing.left_out
        return DecodedDomain(len(decoding.files), decoded.frames, decoded.unreadable, left_out, numbered(names))

    def labelled(self, domain: RecordedDomain, data: DataSettings, split: Split) -> LabelledFrames:
        """Returns the frames one after the other, with labels at the resolution of their files; raises the errors of
        `listed`."""
        return LabelledFrames(self.decoding(domain, data, split), data)

    def listing(self, domain: RecordedDomain, root: Path, split: Split) -> Listing:
        """Lists the files of a split of a domain.

        Raises:
            ValueError: A folder is missing, or no frame is in the split.
        """
        try:
            listing = self.layout.listing(domain, root, split)
        except MissingFolder as missing:
            keys = [key for key, value in domain if missing.pattern and value == missing.pattern]
            raise NoFrames(f"{missing}; {self._expectation}", *keys, "root") from None
        if not listing.frames:
            raise NoFrames(
                f"{self.layout.name} in {root} has no frames for {split!r}: too few to divide, or none are "
                "assigned to it (train, test, shares and gap of a domain determine the division)",
                "shares",
                "train",
                "test",
            )
        return listing

    def decoding(self, domain: RecordedDomain, data: DataSettings, split: Split) -> Decoding:
        """Returns the decoding of the frames of a split of a domain that a run reads; raises the errors of `count`."""
        listing = self.listing(domain, self._root(domain, data), split)
        for ids in _distinct(listing.frames):
            # Wrong settings are refused before anything is decoded.
            ids.into(data.classes)
        if listing.missing:
            first = listing.unlabelled[0]
            more = f" and {len(listing.missing) - 1} more" if len(listing.missing) > 1 else ""
            text = (
                f"no labels {first.labels} for {first.image}{more}; the data set {self.layout.name} expects "
                f"{self.layout.expects}; add the labels, or move the images without labels away"
            )
            raise WrongSetting(text, *LABELS)
        limit: int = data.splits.model_dump()[split]
        places = np.linspace(0, len(listing.frames) - 1, min(limit, len(listing.frames))).round().astype(int)
        files = tuple(listing.frames[place] for place in places)
        if domain.weather == "clear":
            # Nothing is rendered, so that no depth is needed.
            files = tuple(replace(one, depth=None) for one in files)
        seed = crc32(files[0].image.stem.encode("utf-8", "surrogateescape"))
        return Decoding(listing, files, data.size, domain.weather, self.layout.horizon, seed, data.classes)

    def _root(self, domain: RecordedDomain, data: DataSettings) -> Path:
        text = domain.root or data.root
        if text is None:
            raise WrongSetting(
                f"the data set {self.layout.name} needs a folder, but neither the domain's root nor data.root is set; "
                f"{self._hint}",
                "root",
            )
        try:
            return expand(text)
        except ValueError as unset:
            raise WrongSetting(str(unset), "root") from None

    @property
    def _expectation(self) -> str:
        return f"the data set {self.layout.name} expects {self.layout.expects}; {self._hint}"

    @property
    def _hint(self) -> str:
        return f"set data.root, for instance to {self.layout.example}"
