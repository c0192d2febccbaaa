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
        if settings.initialization == "rank":
            pair.initialize_by_rank(generator)
        if settings.allotment == "uncertainty":
            pair.factors = torch.ones(2)
        setattr(block.attn, f"{target}_update", pair)


class VidaPair(nn.Module):
    """Update up_low(down_low(x)) * scale_low + up_high(down_high(x)) * scale_high over [..., inputs]; without biases.

    Both updates start at exactly zero.

    Attributes:
        factors: Further factors [2] on the low and the high update, which a method sets in each step; None without.

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
        self.factors: Tensor | None
        self.register_buffer("factors", None)
        self.low = LowRankUpdate(inputs, outputs, ranks[0], scales[0], generator)
        self.high = LowRankUpdate(inputs, outputs, ranks[1], scales[1], generator)

    def forward(self, x: Tensor) -> Tensor:
        low, high = self.low(x), self.high(x)
        update: Tensor = low + high if self.factors is None else self.factors[0] * low + self.factors[1] * high
        return update

    def initialize_by_rank(self, generator: torch.Generator) -> None:
        """Draws the maps to the rank r from a normal of the deviation 1 / r^2."""
        for part in (self.low, self.high):
            nn.init.normal_(part.down.weight, std=1 / len(part.down.weight) ** 2, generator=generator)
