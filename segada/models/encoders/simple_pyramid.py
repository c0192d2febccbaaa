"""Simple feature pyramid of ViTDet (Li et al. 2022, arXiv 2203.16527): four maps from the last one of a plain
transformer."""

import math
from typing import Final

import torch
from torch import Tensor, nn

from segada.models.encoders.base import STRIDES
from segada.models.encoders.tokens import as_image, as_tokens

WIDTH: Final = 256
"""Number of channels of each map, as in the paper."""


class SimplePyramid(nn.Module):
    """Maps [B, 256, ...] of strides 4, 8, 16 and 32 from the normed tokens [B, C, h, w] of one stride.

    Finer maps come by transposed convolutions of 2x2 pixels, which halve the channels, with a layer norm and a GELU
    between two; the coarser one by max pooling. Each then goes through a 1x1 and a 3x3 convolution without bias, each
    with a layer norm over channels. Weights are random until they are trained.

    Args:
        channels: C.
        stride: Stride of the tokens, 4, 8, 16 or 32.
        generator: Generator of the initialization.
    """

    def __init__(self, channels: int, stride: int, generator: torch.Generator) -> None:
        super().__init__()
        with torch.device("meta"):
            self.maps = nn.ModuleList(_branch(channels, int(math.log2(stride / wanted))) for wanted in STRIDES)
        self.to_empty(device="cpu")
        for part in self.modules():
            if isinstance(part, nn.LayerNorm):
                part.reset_parameters()
            elif isinstance(part, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_uniform_(part.weight, a=math.sqrt(5), generator=generator)
                if part.bias is not None:
                    nn.init.zeros_(part.bias)

    def forward(self, tokens: Tensor) -> list[Tensor]:
        return [branch(tokens) for branch in self.maps]


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of maps [B, C, h, w]."""

    def forward(self, x: Tensor) -> Tensor:
        return as_image(super().forward(as_tokens(x)))


def _branch(channels: int, doublings: int) -> nn.Sequential:
    """Returns the layers of a map whose sides are those of the tokens times 2 to the power of `doublings`."""
    layers: list[nn.Module] = []
    for number in range(doublings):
        layers += [ChannelNorm(channels, 1e-6), nn.GELU()] if number else []
        layers.append(nn.ConvTranspose2d(channels, channels // 2, 2, 2))
        channels //= 2
    if doublings < 0:
        layers.append(nn.MaxPool2d(2**-doublings, ceil_mode=True))
    layers += [nn.Conv2d(channels, WIDTH, 1, bias=False), ChannelNorm(WIDTH, 1e-6)]
    layers += [nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False), ChannelNorm(WIDTH, 1e-6)]
    return nn.Sequential(*layers)
