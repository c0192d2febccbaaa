"""A network as a library or the user's code builds it."""

from dataclasses import dataclass

from torch import nn

from segada.models.formats.contents import StoredWeights


@dataclass(frozen=True, slots=True)
class BuiltNetwork:
    """A module from normalized images [B, 3, H, W] to logits.

    Attributes:
        module: The network, on the CPU.
        multiple: Number of which height and width of its images must be a multiple.
        weights: Weights that come with it, under its own names; None if it has random ones alone.
    """

    module: nn.Module
    multiple: int = 1
    weights: StoredWeights | None = None
