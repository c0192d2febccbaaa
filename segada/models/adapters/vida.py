"""ViDA (Liu et al. 2024, arXiv 2306.04344): an update of low and one of high rank beside linear layers."""

import torch
from torch import Tensor, nn

from segada.models.adapters.low_rank import LowRankUpdate
from segada.models.encoders.transformer_block import TARGETS, TransformerBlock
from segada.settings.adapter import VidaSettings


def insert_vida(block: TransformerBlock, settings: VidaSettings, generator: torch.Generator) -> None:
    """Inserts a pair of updates beside every linear layer of the attention: q, kv and proj."""
    ranks = (settings.low_rank, settings.high_rank)
    scales = (settings.low_scale, settings.high_scale)
    for target in TARGETS:
        inputs, outputs = block.linears[target]
        pair = VidaPair(inputs, outputs, ranks, generator, scales)
        setattr(block.attn, f"{target}_update", pair)


class VidaPair(nn.Module):
    """Update up_low(down_low(x)) * scale_low + up_high(down_high(x)) * scale_high over [..., inputs]; without biases.

    Both updates start at exactly zero. Deviation from the paper: the scales are constants, not set for each image by
    the uncertainty of the prediction.

    Args:
        inputs: Width of x.
        outputs: Width of the tensor that the pair is added to.
        ranks: Low and high rank; the high one may exceed the width.
        generator: Generator of the initialization.
        scales: Factors on the low and the high update.
    """

    def __init__(
        self,
        inputs: int,
        outputs: int,
        ranks: tuple[int, int],
        generator: torch.Generator,
        scales: tuple[float, float] = (1.0, 1.0),
    ) -> None:
        super().__init__()
        self.low = LowRankUpdate(inputs, outputs, ranks[0], scales[0], generator)
        self.high = LowRankUpdate(inputs, outputs, ranks[1], scales[1], generator)

    def forward(self, x: Tensor) -> Tensor:
        update: Tensor = self.low(x) + self.high(x)
        return update
