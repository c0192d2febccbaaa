"""Small trainable modules in a frozen encoder, and where they sit."""

from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Count, Positive, Sequence, Settings


class NoAdapter(Settings):
    """The encoder as it is."""

    name: Literal["none"] = "none"


class AdaptFormerSettings(Settings):
    """A bottleneck parallel to the MLP of each transformer block (Chen et al. 2022, arXiv 2205.13535)."""

    name: Literal["adaptformer"]
    stages: Sequence[Annotated[int, Field(ge=0, le=3)]] = Field(default=(0, 1), min_length=1)
    """Encoder stages, counted from 0, whose blocks carry an adapter."""
    bottleneck: Count = 16
    """Width of the bottleneck."""
    scale: Positive = 1.0
    """Factor on the adapter's output."""


AdapterSettings = Annotated[NoAdapter | AdaptFormerSettings, Field(discriminator="name")]
