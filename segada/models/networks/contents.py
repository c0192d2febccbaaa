"""A network as a library or the user's code builds it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn

from segada.models.formats.contents import StoredWeights
from segada.models.preprocessing import IMAGENET, Preprocessing


@dataclass(frozen=True, slots=True)
class BuiltNetwork:
    """A module from normalized images [B, 3, H, W] to logits.

    Attributes:
        module: The network, on the CPU.
        multiple: Number of which height and width of its images must be a multiple.
        folder: Folder that holds its weights; None if it has random ones alone.
        read: Reads a folder of weights to the network's own names; None if its weights are in files alone.
        preprocessing: Preprocessing of weights that state none.
    """

    module: nn.Module
    multiple: int = 1
    folder: Path | None = None
    read: Callable[[Path], StoredWeights] | None = None
    preprocessing: Preprocessing = IMAGENET
