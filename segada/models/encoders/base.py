"""Base class of encoders: four stages of strides 4, 8, 16 and 32, and slots for adapters."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from segada.models.batch_norm import batch_norms, sees_batch
from segada.settings.architectures import WITH_BLOCKS

if TYPE_CHECKING:
    from segada.models.encoders.transformer_block import TransformerBlock

STRIDES = (4, 8, 16, 32)

Guide = Sequence[Tensor]
"""Output of a reader of the images: maps [B, D, H/s, W/s] of some of the strides s = 4, 8, 16 and 32, finest first."""

SLOTS = ("reader", "prompt", "before", "parallel", "after", "behind", "q_update", "kv_update", "proj_update")
"""Names of the submodules that are empty in a source model and that adapters fill.

`encoder.reader` maps normalized images to a `Guide`, and may add it to the head's inputs. A stage's `prompt` computes
the tensors that are added to its tokens before its blocks. The other slots belong to blocks and their attention.
"""


class Encoder(nn.Module, ABC):
    """Base of encoders, which compute feature maps of four stages from normalized images.

    Attributes:
        channels: Width of each stage's map.
        stages: Stages, in the order in which they run.
        generator: Generator of stochastic depth; its state is part of `state_dict`.
    """

    channels: tuple[int, ...]
    stages: nn.ModuleList
    generator: torch.Generator

    @abstractmethod
    def run(self, x: Tensor, first: int, end: int, guide: Guide | None = None) -> list[Tensor]:
        """Returns the outputs of the stages from `first` up to, not including, `end`.

        They are the feature maps [B, C, H/s, W/s] of strides s = 4, 8, 16 and 32, or what `fed` makes these from.

        Args:
            x: Input of stage `first`: normalized images [B, 3, H, W] or the output of the stage before.
            first: First stage, counted from 0.
            end: Stage after the last.
            guide: Output of the encoder's reader for the images; None if it has no reader.
        """

    def forward(self, images: Tensor) -> list[Tensor]:
        """Returns what `run` returns for all stages, from normalized images [B, 3, H, W]."""
        return self.run(images, 0, len(self.stages), self.guide(images))

    def guide(self, images: Tensor) -> Guide | None:  # noqa: ARG002 - an encoder without slots has no reader
        """Returns the reader's output for normalized images; None without a reader."""
        return None

    def fed(self, features: Sequence[Tensor], guide: Guide | None) -> list[Tensor]:  # noqa: ARG002 - as above
        """Returns the feature maps of the outputs of stages, as inputs of the head: with the guide added if the reader
        feeds the head."""
        return list(features)

    def finest(self, images: Tensor) -> Tensor:
        """Returns the map [B, C, H/4, W/4] of the first stage from normalized images; runs no other stage."""
        return self.run(images, 0, 1)[0]

    def block_names(self, stage: int) -> list[str]:  # noqa: ARG002 - most encoders have none
        """Returns the dotted names, in the encoder, of the transformer blocks of a stage, counted from 0."""
        return []

    def blocks(self, stages: Sequence[int] = range(4)) -> Iterator["TransformerBlock"]:  # noqa: ARG002 - as above
        """Yields the transformer blocks of some stages, counted from 0, in the order in which they run.

        Raises:
            ValueError: The encoder has no blocks that can hold an adapter.
        """
        raise ValueError(
            f"adapters sit in transformer blocks, and this encoder ({type(self).__name__}) has none; set adapter.name "
            f"to none, or model.encoder to {WITH_BLOCKS}"
        )

    def get_extra_state(self) -> Tensor:
        """Returns the state of stochastic depth, for `state_dict`."""
        return self.generator.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """Restores the state of stochastic depth, from `load_state_dict`."""
        self.generator.set_state(state.cpu())

    def frozen_stages(self) -> int:
        """Returns the number of leading stages that compute the same function in the student and in every copy of it.

        These stages have no trainable parameter, no batch norm except with frozen statistics, and no filled slot: in a
        copy, adapters are not trainable either.
        """
        for index, stage in enumerate(self.stages):
            changes = any(weight.requires_grad or has_adapter(name) for name, weight in stage.named_parameters())
            if changes or sees_batch(stage):
                return index
        return len(self.stages)


def has_batch_norm(module: nn.Module) -> bool:
    """Returns True if the module has a batch norm, so that frames of a batch may affect each other in train mode."""
    return bool(batch_norms(module))


def has_adapter(name: str) -> bool:
    """Returns True if a parameter or buffer of this name belongs to an adapter."""
    return not set(name.split(".")).isdisjoint(SLOTS)


def strip_adapters(module: nn.Module) -> None:
    """Empties every adapter slot of the module, in place."""
    for part in module.modules():
        for slot in SLOTS:
            if slot in dict(part.named_children()):
                setattr(part, slot, None)
