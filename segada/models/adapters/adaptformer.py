"""AdaptFormer (Chen et al. 2022, arXiv 2205.13535): a bottleneck beside the MLP of a transformer block."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.encoders.transformer_block import TransformerBlock
from segada.settings.adapter import AdaptFormerSettings


def insert_adaptformer(block: TransformerBlock, settings: AdaptFormerSettings, generator: torch.Generator) -> None:
    """Inserts a bottleneck into the slot of the block that `position` names."""
    adapter = AdaptFormer(block.width, settings.bottleneck, settings.scale, generator)
    setattr(block, settings.position, adapter)


class AdaptFormer(nn.Module):
    """AdaptFormer bottleneck: up(gelu(down(x))) * scale over tokens [..., C].

    `up` starts at zero, hence the adapter's output is exactly zero until it has learned. Deviations from the paper:
    GELU, not ReLU, and the normalized input of the MLP, as in later work on continual test-time adaptation.

    Args:
        width: C.
        bottleneck: Channels between down and up.
        scale: Constant factor on the output.
        generator: Generator of the initialization.
    """

    def __init__(self, width: int, bottleneck: int, scale: float, generator: torch.Generator) -> None:
        super().__init__()
        self.scale = scale
        # On the meta device first: PyTorch's own initialization would draw from the global generator.
        self.down = nn.Linear(width, bottleneck, device="meta").to_empty(device="cpu")
        self.up = nn.Linear(bottleneck, width, device="meta").to_empty(device="cpu")
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5), generator=generator)
        for parameter in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(parameter)

    def forward(self, x: Tensor) -> Tensor:
        update: Tensor = self.up(functional.gelu(self.down(x)))
        return update * self.scale
