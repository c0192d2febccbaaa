"""Frames of every data set that lies in files: listed by its layout, read, put to size, rendered in weather, cached."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np

from segada.data.cache.decoding import count_workers, in_order
from segada.data.cache.frame_cache import FrameRequest, Unreadable, cached_frames
from segada.data.datasets.domain_frames import DecodedDomain, LabelledFrame, check_share
from segada.data.datasets.frame_files import FrameFiles, Layout, Listing, MissingFolder
from segada.data.datasets.measured_depth import measured_depth
from segada.data.datasets.picture_files import read_image, resized_image, resized_labels
from segada.data.frames import Bytes, UnreadableFrame
from segada.data.splits import Split
from segada.data.weather.depth import Depth, geometric_depth
from segada.data.weather.weather import parse_weather, render_weather
from segada.settings.data import DataSettings
from segada.settings.domains import RecordedDomain
from segada.settings.folders import expand

VERSION: Final = 1
"""Of what this file makes of files; another number lets caches decode anew."""
SKEW: Final = 0.02
"""By how much the shapes of a picture and its labels, which may be of another size, may differ."""


def read_pair(files: FrameFiles) -> tuple[Bytes, Bytes]:
    """Picture [H, W, 3] and train ids [h, w] of a frame, as large as their files.

    Raises:
        UnreadableFrame: a file is damaged, or picture and labels are not of one frame.
        ValueError: a file is not what the data set says.
    """
    picture, labels = read_image(files.image), files.label_map.read(files.labels)
    (height, width), (rows, columns) = picture.shape[:2], labels.shape
    if abs(height * columns - width * rows) > SKEW * width * rows:
        reason = f"is {width} x {height}, but its labels {files.labels} are {columns} x {rows}: not of one frame"
        raise UnreadableFrame(files.image, reason)
    return picture, labels


@dataclass(frozen=True)
class Decoding:
    """How the listed frames of a domain become pixels.

    Attributes:
        files: Of each frame, by number.
        size: Height and width that frames get.
        weather: By name.
        horizon: Of the geometric estimate of depth.
        seed: Of the weather.
    """

    files: tuple[FrameFiles, ...]
    size: tuple[int, int]
    weather: str
    horizon: float
    seed: int

    def __call__(self, number: int) -> tuple[Bytes, Bytes]:
        """Image [H, W, 3] and labels [H, W] of a frame, at `size`; raises as `native` does."""
        image, _, labels = self.native(number)
        return image, labels

    def native(self, number: int) -> tuple[Bytes, Bytes, Bytes]:
        """Image of a frame at `size`, its labels as large as their file, and these at `size`.

        Raises:
            UnreadableFrame: a file is damaged, or picture and labels are not of one frame.
            ValueError: a file is not what the data set says.
        """
        files = self.files[number]
        picture, native = read_pair(files)
        image, labels = resized_image(picture, self.size), resized_labels(native, self.size)
        weather = parse_weather(self.weather)
        image = render_weather(image[None], self._depth(files, labels), weather, self.seed, (number,))[0]
        return image, native, labels

    def _depth(self, files: FrameFiles, labels: Bytes) -> Depth:
        if files.depth is None:
            return self._estimate
        return measured_depth(files.depth.nearness(), labels, self._estimate)

    @cached_property
    def _estimate(self) -> Depth:
        return geometric_depth(self.size, self.horizon)


class LabelledFrames:
    """Frames of a domain one after the other, those that cannot be read left out; as often as asked for.

    Attributes:
        unreadable: Of those passed so far.
    """

    def __init__(self, decoding: Decoding, data: DataSettings) -> None:
        self._decoding = decoding
        self._loading = data.loading
        self.unreadable: list[Unreadable] = []

    def __len__(self) -> int:
        """Frames listed, those that cannot be read included."""
        return len(self._decoding.files)

    def __iter__(self) -> Iterator[LabelledFrame]:
        """Decodes ahead.

        Raises:
            ValueError: more frames than `data.loading.unreadable_share` cannot be read.
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
        layout: Where they are.
    """

    layout: Layout

    @property
    def recorded(self) -> bool:
        """Yes."""
        return True

    def count(self, domain: RecordedDomain, data: DataSettings, split: Split) -> int:
        """How many frames are listed for a purpose; raises what `open` raises about listing, but reads none."""
        return len(self._decoding(domain, data, split).files)

    def open(self, domain: RecordedDomain, data: DataSettings, split: Split) -> DecodedDomain:
        """Decodes the frames of a domain for a purpose, or finds them decoded.

        Raises:
            ValueError: a folder or a file is missing or not what the layout says, or no frame serves the purpose.
        """
        decoding = self._decoding(domain, data, split)
        maps = {files.label_map.identity() for files in decoding.files}
        depths = {str(files.depth and files.depth.units) for files in decoding.files}
        facts = repr((VERSION, sorted(maps), sorted(depths), decoding.horizon, decoding.seed))
        made = hashlib.sha256(facts.encode()).hexdigest()[:12]
        request = FrameRequest(
            identity=f"{self.layout.name} for {split} in {domain.weather} weather (made as {made})",
            files=tuple(path for files in decoding.files for path in files.paths()),
            numbers=tuple(range(len(decoding.files))),
            size=decoding.size,
            decode=decoding,
        )
        decoded = cached_frames(request, data.loading)
        return DecodedDomain(len(decoding.files), decoded.frames, decoded.unreadable)

    def labelled(self, domain: RecordedDomain, data: DataSettings, split: Split) -> LabelledFrames:
        """The frames one after the other, with labels as large as their files; raises what `count` raises."""
        return LabelledFrames(self._decoding(domain, data, split), data)

    def listing(self, domain: RecordedDomain, root: Path, split: Split) -> Listing:
        """The files of a domain for a purpose.

        Raises:
            ValueError: a folder is missing, or no frame serves the purpose.
        """
        try:
            listing = self.layout.listing(domain, root, split)
        except MissingFolder as missing:
            raise ValueError(f"{missing}; {self._expectation}") from None
        if not listing.frames:
            raise ValueError(
                f"{self.layout.name} in {root} has no frames for {split!r}: too few to divide, or none are meant "
                "to serve it (train, test and shares of a domain say how they are divided)"
            )
        return listing

    def _decoding(self, domain: RecordedDomain, data: DataSettings, split: Split) -> Decoding:
        listing = self.listing(domain, self._root(domain, data), split)
        if listing.missing:
            image = next(files.image for files in listing.frames if files.labels == listing.missing[0])
            more = f" and {len(listing.missing) - 1} more" if len(listing.missing) > 1 else ""
            raise ValueError(f"no labels {listing.missing[0]} for {image}{more}; {self._expectation}")
        limit: int = data.splits.model_dump()[split]
        places = np.linspace(0, len(listing.frames) - 1, min(limit, len(listing.frames))).round().astype(int)
        files = tuple(listing.frames[place] for place in places)
        if domain.weather == "clear":
            # Nothing is rendered, so that no depth is read.
            files = tuple(replace(one, depth=None) for one in files)
        return Decoding(files, data.size, domain.weather, self.layout.horizon, crc32(files[0].image.stem.encode()))

    def _root(self, domain: RecordedDomain, data: DataSettings) -> Path:
        text = domain.root or data.root
        if text is None:
            raise ValueError(
                f"the data set {self.layout.name} needs a folder, but neither the domain's root nor data.root is set; "
                f"{self._hint}"
            )
        return expand(text)

    @property
    def _expectation(self) -> str:
        return f"the data set {self.layout.name} expects {self.layout.expects}; {self._hint}"

    @property
    def _hint(self) -> str:
        return f"set data.root, for instance to {self.layout.example}"
