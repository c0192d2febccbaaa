"""The contract of every encoder: four stages of strides 4, 8, 16 and 32, and slots that adapters may fill."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from segada.models.encoders.mix_block import Block

STRIDES = (4, 8, 16, 32)

Guide = Sequence[Tensor]
"""What a reader made of the images: maps [B, D, H/s, W/s] of some of the strides s = 4, 8, 16 and 32, finest first."""

SLOTS = ("reader", "prompt", "before", "parallel", "after", "q_update", "kv_update", "proj_update")
"""Names of the submodules that are empty in a source model and that adapters fill.

`encoder.reader` maps normalized images to a `Guide`, and may feed it to the head. A stage's `prompt` says what
is added to its tokens before each of its blocks. The others belong to blocks and their attention.
"""


class Encoder(nn.Module, ABC):
    """Feature maps of four stages from normalized images.

    Attributes:
        channels: width of each stage's map.
        stages: the stages, in the order they run.
        generator: of stochastic depth; its state is part of `state_dict`.
    """

    channels: tuple[int, ...]
    stages: nn.ModuleList
    generator: torch.Generator

    @abstractmethod
    def run(self, x: Tensor, first: int, end: int, guide: Guide | None = None) -> list[Tensor]:
        """Feature maps of the stages from `first` up to, not including, `end`.

        Args:
            x: what stage `first` reads: normalized images [B, 3, H, W] or the map of the stage before.
            first: stage, counted from 0.
            end: stage after the last.
            guide: what the encoder's reader made of the images; None if it has no reader.
        """

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalized images [B, 3, H, W] to feature maps [B, C, H/s, W/s] of strides s = 4, 8, 16, 32."""
        return self.run(images, 0, len(self.stages), self.guide(images))

    def guide(self, images: Tensor) -> Guide | None:  # noqa: ARG002 - an encoder without slots has no reader
        """What the reader, if there is one, makes of normalized images."""
        return None

    def fed(self, features: Sequence[Tensor], guide: Guide | None) -> list[Tensor]:  # noqa: ARG002 - as above
        """The feature maps as the head gets them: with the guide added where a reader feeds the head."""
        return list(features)

    def blocks(self, stages: Sequence[int] = range(4)) -> Iterator["Block"]:
        """The transformer blocks of some stages, counted from 0, in the order in which they run.

        Raises:
            ValueError: the encoder has no blocks that an adapter could sit in.
        """
        raise ValueError(
            "adapters and prompts sit in the blocks of a Mix Transformer; set model.encoder to mit_b0 to mit_b5 or "
            f"mit_tiny, or adapter.name and image_adapter.name to none (stages {list(stages)} were asked for)"
        )

    def get_extra_state(self) -> Tensor:
        """For `state_dict`: the state of stochastic depth."""
        return self.generator.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """From `load_state_dict`."""
        self.generator.set_state(state.cpu())

    def frozen_stages(self) -> int:
        """How many leading stages are the same function for every copy.

        In them nothing learns, no batch is summarized, and no slot is filled: in a copy, adapters do not learn either.
        """
        for index, stage in enumerate(self.stages):
            changes = any(weight.requires_grad or has_adapter(name) for name, weight in stage.named_parameters())
            if changes or has_batch_norm(stage):
                return index
        return len(self.stages)


def has_batch_norm(module: nn.Module) -> bool:
    """Whether frames of a batch see each other in train mode."""
    return any(isinstance(part, nn.modules.batchnorm._BatchNorm) for part in module.modules())


def has_adapter(name: str) -> bool:
    """Whether a parameter or buffer of this name belongs to an adapter."""
    return not set(name.split(".")).isdisjoint(SLOTS)


def strip_adapters(module: nn.Module) -> None:
    """Empties every slot in the module, in place."""
    for part in module.modules():
        for slot in SLOTS:
            if slot in dict(part.named_children()):
                setattr(part, slot, None)
