"""Heads by the name used in settings."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from segada.models.heads.base import Head
from segada.models.heads.daformer import DAFormerConvHead, DAFormerHead
from segada.models.heads.multi_exit import MultiExitHead
from segada.models.heads.segformer import SegFormerHead


class HeadFactory(Protocol):
    """Type of a head's constructor."""

    def __call__(self, channels: Sequence[int], width: int, classes: int) -> Head:
        """Builds a head without values; `initialize` fills it."""


HEADS: Mapping[str, HeadFactory] = {
    "segformer": SegFormerHead,
    "multi_exit": MultiExitHead,
    "daformer": DAFormerHead,
    "daformer_conv1": DAFormerConvHead,
}
