"""A linear update of limited rank, used by LoRA and ViDA."""

import math

import torch
from torch import Tensor, nn


class LowRankUpdate(nn.Module):
    """Update up(down(x)) * scale over [..., inputs], to [..., outputs]; without biases.

    `up` starts at zero, hence the update is exactly zero until it has learned; `down` starts uniform by fan-in.

    Args:
        inputs: Width of x.
        outputs: Width of the tensor that the update is added to.
        rank: Channels between down and up.
        scale: Constant factor on the output.
        generator: Generator of the initialization.
    """

    def __init__(self, inputs: int, outputs: int, rank: int, scale: float, generator: torch.Generator) -> None:
        super().__init__()
        self.scale = scale
        # On the meta device first: PyTorch's own initialization would draw from the global generator.
        self.down = nn.Linear(inputs, rank, bias=False, device="meta").to_empty(device="cpu")
        self.up = nn.Linear(rank, outputs, bias=False, device="meta").to_empty(device="cpu")
        nn.init.kaiming_uniform_(self.down.weight, a=math.sqrt(5), generator=generator)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        update: Tensor = self.up(self.down(x))
        return update * self.scale
