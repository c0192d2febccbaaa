"""Small trainable modules in the blocks of a frozen encoder, and their placement."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from segada.settings.base import Count, NonNegative, Positive, Sequence, Settings
from segada.settings.named_kinds import CodeSettings, Kinds
from segada.settings.placement import Blocks, Stages


class NoAdapter(Settings):
    """The encoder without adapters."""

    name: Literal["none"] = "none"


class PlacedSettings(Settings):
    """Placement settings that every adapter in blocks has."""

    stages: Stages = (0, 1)
    """Encoder stages, counted from 0, that carry adapters. In a plain vision transformer each has a quarter of the
    blocks; `python -m segada.profile` prints the blocks of each stage."""
    blocks: Blocks = "all"
    """Blocks of these stages that carry adapters: one pattern for all of `stages`, or a list with one for each."""

    @model_validator(mode="after")
    def _a_pattern_for_each_stage(self) -> Self:
        if not isinstance(self.blocks, str) and len(self.blocks) != len(self.stages):
            raise ValueError(
                f"adapter.blocks has {len(self.blocks)} patterns, but adapter.stages names {len(self.stages)} stages; "
                "give one pattern for all, or one for each"
            )
        return self


class AdaptFormerSettings(PlacedSettings):
    """A bottleneck around the MLP of each transformer block (Chen et al. 2022, arXiv 2205.13535)."""

    name: Literal["adaptformer"]
    bottleneck: Count = 16
    """Width of the bottleneck."""
    scale: Positive = 1.0
    """Factor on the adapter's output."""
    position: Literal["before", "parallel", "after"] = "parallel"
    """Position of the bottleneck: `parallel` to the MLP, as in the paper, or `before` or `after` it. A layer scale
    belongs to the MLP: it does not scale what the bottleneck adds."""


class LoraSettings(PlacedSettings):
    """Low-rank updates of linear layers of the attention (Hu et al. 2021, arXiv 2106.09685)."""

    name: Literal["lora"]
    rank: Count = 4
    """Rank of each update; at most the width of the narrowest stage that carries one."""
    alpha: Positive = 4.0
    """Scale: an update is multiplied by alpha / rank, so that another rank needs no other learning rate."""
    targets: Annotated[Sequence[Literal["q", "kv", "proj"]], Field(min_length=1)] = ("q", "kv")
    """Linear maps that get an update: of queries, of keys and values (together, one update), of the output. Where one
    layer computes queries, keys and values, an update reaches its own rows alone."""


class VidaSettings(PlacedSettings):
    """A pair of updates, of low and of high rank, to linear layers of the attention (Liu et al. 2024, 2306.04344)."""

    name: Literal["vida"]
    low_rank: Count = 1
    """Rank of the update for knowledge that all domains share."""
    high_rank: Count = 128
    """Rank of the update for knowledge of a single domain; may exceed the width of a stage."""
    low_scale: Positive = 1.0
    """Factor on the update of low rank."""
    high_scale: Positive = 1.0
    """Factor on the update of high rank."""
    initialization: Literal["fan_in", "rank"] = "fan_in"
    """Distribution of the maps to the rank at the start. `fan_in`: uniform by fan-in, as for LoRA. `rank`: normal with
    the deviation 1 / rank^2, as in the authors' code: 1 for a rank of 1, 6e-5 for one of 128."""
    allotment: Literal["constant", "uncertainty"] = "constant"
    """Factors on both updates. `constant`: 1. `uncertainty`, the paper's homeostatic knowledge allotment, only for
    methods with a teacher: before a step, 1 + u on the update of high rank and 1 - u on that of low rank if u reaches
    `uncertainty_threshold`, and the reverse below it. u is a tenth of the mean variance of the teacher's logits over
    augmented views of the frames. Predictions use the factors of the step before."""
    uncertainty_threshold: NonNegative = 0.2
    """Uncertainty u from which the update of high rank gets more weight. Only with `uncertainty`."""
    views: Annotated[int, Field(ge=2, le=100)] = 10
    """Number of augmented views, each of which costs a pass of the teacher. Only with `uncertainty`."""

    @model_validator(mode="after")
    def _low_is_low(self) -> Self:
        if self.low_rank > self.high_rank:
            raise ValueError(
                f"adapter.low_rank is {self.low_rank}, but adapter.high_rank is {self.high_rank}; swap them"
            )
        return self


class ReinSettings(PlacedSettings):
    """Learned tokens that refine the features behind each block, with linear maps that blocks of one width share (Wei
    et al. 2024, 2312.04265)."""

    name: Literal["rein"]
    tokens: Annotated[int, Field(ge=2, le=4096)] = 100
    """Number of tokens of a block."""
    rank: Count = 16
    """Rank of the matrix of a block's tokens."""


class CodeAdapter(PlacedSettings, CodeSettings):
    """Adapter of the user, inserted into the blocks that the settings name."""

    role = "adapter"

    name: str


AdapterSettings = Annotated[
    NoAdapter | AdaptFormerSettings | LoraSettings | VidaSettings | ReinSettings | CodeAdapter, Kinds()
]
