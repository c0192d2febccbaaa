"""What a data set hands out: frames of a domain for a purpose, and what of them could not be read."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from segada.data.cache.cache_entry import is_mapped
from segada.data.cache.frame_cache import Unreadable
from segada.data.frames import Bytes, Frames

NAMED = 3
"""Files that an error names, of those that cannot be read."""


class DomainFrames(Protocol):
    """The frames of a domain for one purpose, numbered from 0 without those that cannot be read."""

    @property
    def listed(self) -> int:
        """How many there are, those that cannot be read included."""

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """What is left out."""

    @property
    def mapped(self) -> bool:
        """Whether a file holds all of them, so that to load them takes no memory."""

    def __len__(self) -> int:
        """How many can be read."""

    def load(self, indices: Sequence[int] | None = None) -> Frames:
        """Those of these numbers; all if not given."""


@dataclass(frozen=True, slots=True)
class DecodedDomain:
    """Frames that have been decoded.

    Attributes:
        listed: As in `DomainFrames`.
        frames: Those that can be read.
        unreadable: The others.
    """

    listed: int
    frames: Frames
    unreadable: tuple[Unreadable, ...]

    @property
    def mapped(self) -> bool:
        """Whether the cache has taken them."""
        return is_mapped(self.frames)

    def __len__(self) -> int:
        return len(self.frames)

    def load(self, indices: Sequence[int] | None = None) -> Frames:
        """Those of these numbers; all if not given."""
        if indices is None or list(indices) == list(range(len(self))):
            return self.frames
        return Frames(self.frames.images[list(indices)], self.frames.labels[list(indices)])


@dataclass(frozen=True, slots=True)
class LabelledFrame:
    """A frame as an evaluation needs it.

    Attributes:
        name: Unique in its domain and fit to be a file's: `frankfurt/frankfurt_000000_000294`.
        image: uint8 [H, W, 3], RGB, of `data.size`.
        labels: uint8, train ids 0 to 18 or 255, as large as the label file is: nothing is lost on the way.
    """

    name: str
    image: Bytes
    labels: Bytes


def check_share(listed: int, unreadable: Sequence[Unreadable], share: float) -> None:
    """Whether few enough frames cannot be read to go on without them.

    Args:
        listed: Frames, those that cannot be read included.
        unreadable: Of these.
        share: Of the frames, `data.loading.unreadable_share`.

    Raises:
        ValueError: they are more than the share; the first files are named with what is wrong with them.
    """
    if len(unreadable) <= share * listed:
        return
    first = ", ".join(f"{one.path} {one.reason}" for one in unreadable[:NAMED])
    rest = f", and {len(unreadable) - NAMED} more" if len(unreadable) > NAMED else ""
    raise ValueError(
        f"{len(unreadable)} of {listed} frames cannot be read, which is more than data.loading.unreadable_share "
        f"{share:g} allows: {first}{rest}"
    )
