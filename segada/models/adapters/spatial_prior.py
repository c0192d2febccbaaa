"""The spatial prior of ViT-Adapter (Chen et al. 2023, arXiv 2205.08534): convolutions that read the images."""

import torch
from torch import Tensor, nn

from segada.models.adapters.initialization import filled
from segada.models.encoders.base import Guide
from segada.models.encoders.mix_transformer import Reader

GROUP = 16
"""Number of channels in a group of a group norm; one group if it does not divide the width."""


class SpatialPrior(Reader):
    """Maps of strides 4, 8, 16 and 32 and widths w, 2w, 4w and 4w from images of any height and width.

    Three 3x3 convolutions, the first of stride 2, and a max pooling of stride 2 make the first map; a 3x3 convolution
    of stride 2 makes each further map from the one before. Every convolution is followed by a norm and ReLU.

    Deviation from the paper: group norm, not batch norm. A batch of online adaptation is often one frame, which is no
    sample of a domain, and running statistics would make student and teacher differ by more than their training.

    Args:
        width: w.
        levels: Number of maps, from the finest on.
        generator: Generator of the initialization.
    """

    def __init__(self, width: int, levels: int, generator: torch.Generator) -> None:
        super().__init__()
        self.widths = (width, 2 * width, 4 * width, 4 * width)[:levels]
        with torch.device("meta"):
            stem = nn.Sequential(
                *(convolution(3, width, 2), convolution(width, width, 1), convolution(width, width, 1)),
                nn.MaxPool2d(3, 2, 1),
            )
            deeper = [convolution(*pair, 2) for pair in zip(self.widths, self.widths[1:], strict=False)]
        self.levels = nn.ModuleList(filled(level, generator) for level in (stem, *deeper))

    def forward(self, images: Tensor) -> Guide:
        maps, x = [], images
        for level in self.levels:
            x = level(x)
            maps.append(x)
        return maps


def convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """Returns a 3x3 convolution, norm and ReLU."""
    groups = outputs // GROUP if outputs % GROUP == 0 else 1
    return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False), nn.GroupNorm(groups, outputs), nn.ReLU())
