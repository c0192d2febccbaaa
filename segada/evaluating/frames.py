"""Frames of a domain, one after the other."""

from collections.abc import Iterator
from dataclasses import dataclass

from segada.data.datasets import load_domain
from segada.data.frames import Bytes
from segada.data.splits import Split
from segada.settings.data import DataSettings


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A frame with a name.

    Attributes:
        name: Unique in its domain; may have slashes.
        image: uint8 [H, W, 3], RGB.
        labels: uint8, train ids 0 to 18 or 255 (ignored); of any height and width.
    """

    name: str
    image: Bytes
    labels: Bytes


def labelled_frames(name: str, data: DataSettings, split: Split) -> Iterator[LabelledFrame]:
    """The frames of a domain for one purpose, in recording order."""
    frames = load_domain(name, data, split)
    for number, (image, labels) in enumerate(zip(frames.images, frames.labels, strict=True)):
        yield LabelledFrame(f"{number:06d}", image, labels)
