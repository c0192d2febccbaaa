"""Small trainable modules in the blocks of a frozen encoder, and where they sit."""

from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Count, Positive, Sequence, Settings

Stage = Annotated[int, Field(ge=0, le=3)]

BlockPattern = Annotated[str, Field(pattern=r"^(all|first|last|every[1-9]\d*|(0|0?\.\d+)-(1|1\.0*|0?\.\d+))$")]
"""Which blocks of a stage: `all`, the `first`, the `last`, `every2` (the first, third, ...) or a window.

A window is given as fractions of the stage's depth, such as `0.5-1`, and takes the blocks whose centre lies in it, or
at least the nearest: it means the same on every depth.
"""


class NoAdapter(Settings):
    """The encoder as it is."""

    name: Literal["none"] = "none"


class PlacedSettings(Settings):
    """What every adapter in blocks has in common: where it sits."""

    stages: Sequence[Stage] = Field(default=(0, 1), min_length=1)
    """Encoder stages, counted from 0, that carry adapters."""
    blocks: BlockPattern | Annotated[Sequence[BlockPattern], Field(min_length=1)] = "all"
    """Which of their blocks: one pattern for all of `stages`, or a list with one for each."""


class AdaptFormerSettings(PlacedSettings):
    """A bottleneck around the MLP of each transformer block (Chen et al. 2022, arXiv 2205.13535)."""

    name: Literal["adaptformer"]
    bottleneck: Count = 16
    """Width of the bottleneck."""
    scale: Positive = 1.0
    """Factor on the adapter's output."""
    position: Literal["before", "parallel", "after"] = "parallel"
    """Beside the MLP, as in the paper, or in front of it, or behind it."""


AdapterSettings = Annotated[NoAdapter | AdaptFormerSettings, Field(discriminator="name")]
