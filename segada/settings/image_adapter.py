"""Small trainable modules that read the images beside a frozen encoder, and add to its tokens."""

from typing import Annotated, Literal, Self

from pydantic import model_validator

from segada.settings.base import Count, Fraction, Settings
from segada.settings.named_kinds import CodeSettings, Kinds
from segada.settings.placement import Stage, Stages


class NoImageAdapter(Settings):
    """No image adapter."""

    name: Literal["none"] = "none"


class VitAdapterSettings(Settings):
    """A convolutional stem that tokens attend to, or the head reads (Chen et al. 2023, arXiv 2205.08534)."""

    name: Literal["vit_adapter"]
    inject: bool = True
    """If true, the tokens that enter a stage attend to the stem's maps of strides 8, 16 and 32."""
    stage: Stage = 2
    """Stage, counted from 0, whose tokens attend; the stem's maps have its width."""
    heads: Count | None = None
    """Number of heads of this attention, a divisor of the stage's width; null takes the number of the stage's own
    attention. Only with `inject`."""
    attention: Literal["deformable", "cross"] = "deformable"
    """Attention of the tokens to the maps. `deformable`: to a few points around their own place, as in the paper.
    `cross`: to all pixels of the maps, which costs more. Only with `inject`."""
    points: Count = 4
    """Number of points that each head samples in each map. Only with `inject`, and `deformable`."""
    feeds_head: bool = False
    """If true, the stem's maps are also added to the inputs of the head."""
    stem_width: Count = 64
    """Number of channels of the stem's first convolutions; later ones have two and four times as many."""

    @model_validator(mode="after")
    def _has_an_effect(self) -> Self:
        if not self.inject and not self.feeds_head:
            raise ValueError(
                "image_adapter.inject is false, but image_adapter.feeds_head is false too, so that nothing would "
                "read the stem; "
                "set one of them, or image_adapter.name to none"
            )
        return self


class VisualPromptSettings(Settings):
    """A convolutional stem whose maps are added to the tokens that enter stages, as a visual prompt."""

    name: Literal["visual_prompt"]
    stages: Stages = (0, 1, 2, 3)
    """Encoder stages, counted from 0, that get a prompt."""
    reduction: Count = 4
    """Ratio of the width of the stem's map to that of the bottleneck that turns it into a prompt."""
    stem_width: Count = 64
    """Number of channels of the stem's first map; the others have two, four and four times as many."""

    @model_validator(mode="after")
    def _bottleneck_is_left(self) -> Self:
        if self.reduction > self.stem_width:
            raise ValueError(
                f"image_adapter.reduction is {self.reduction}, but image_adapter.stem_width is {self.stem_width}; "
                f"choose at most "
                f"{self.stem_width}"
            )
        return self


class HighFrequencySettings(Settings):
    """Explicit visual prompts: the images' high frequencies and the tokens themselves (Liu et al. 2023, 2303.10883)."""

    name: Literal["high_frequency"]
    stages: Stages = (0, 1, 2, 3)
    """Encoder stages, counted from 0, whose blocks get a prompt."""
    frequency_share: Fraction = 0.25
    """Share of the spectrum's area, around frequency zero, that is removed from the images."""
    reduction: Count = 4
    """Ratio of the width of a stage to the inner width of the layers that make its prompts."""


class CodeImageAdapter(CodeSettings):
    """Image adapter of the user."""

    role = "image_adapter"

    name: str


ImageAdapterSettings = Annotated[
    NoImageAdapter | VitAdapterSettings | VisualPromptSettings | HighFrequencySettings | CodeImageAdapter, Kinds()
]
