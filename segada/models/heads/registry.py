"""The heads by the name that settings use."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from segada.models.heads.base import Head
from segada.models.heads.daformer import DAFormerHead
from segada.models.heads.multi_exit import MultiExitHead
from segada.models.heads.segformer import SegFormerHead


class HeadFactory(Protocol):
    """How a head is made."""

    def __call__(self, channels: Sequence[int], width: int, classes: int) -> Head:
        """Without values: `initialize` fills it."""


HEADS: Mapping[str, HeadFactory] = {
    "segformer": SegFormerHead,
    "multi_exit": MultiExitHead,
    "daformer": DAFormerHead,
}
