"""The SegFormer head (Xie et al. 2021): linear maps of four feature maps, fused at the finest resolution."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.encoders.tokens import as_image, as_tokens
from segada.models.heads.base import Head, initialize_classifier


class SegFormerHead(Head):
    """SegFormer head: logits [B, K, H/4, W/4] from feature maps of strides 4, 8, 16 and 32.

    In the paper each map i goes through a linear layer L_i, is enlarged, and the concatenation (deepest first) through
    a 1x1 convolution W without bias, batch norm, ReLU and the classifier. Enlarging is linear and acts on each channel
    alone, so W cat(up(L_i c_i)) = sum_i up((W_i L_i) c_i + W_i b_i): the products of the small matrices are computed
    first and applied at each map's own resolution. Outputs and all gradients are the same; the arithmetic is 7 to 17
    times less. The parameters are those of the paper.
    """

    def __init__(self, channels: Sequence[int], width: int, classes: int) -> None:
        super().__init__(channels)
        self.linear_c1, self.linear_c2, self.linear_c3, self.linear_c4 = (Projection(size, width) for size in channels)
        self.linear_fuse = Fusion(len(channels) * width, width)
        self.linear_pred = nn.Conv2d(width, classes, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        size = features[0].shape[-2:]
        fused: Tensor = self.linear_fuse.bn(self._fuse(features, size))
        logits: Tensor = self.linear_pred(functional.relu(fused))
        return logits

    def stage_part(self, stage: int) -> nn.Module:
        """Returns the linear layer that reads the map of a stage."""
        return (self.linear_c1, self.linear_c2, self.linear_c3, self.linear_c4)[stage]

    def initialize(self, generator: torch.Generator) -> None:
        """Initializes every parameter and buffer: uniform by fan-in, the fusion by He's rule, the classifier small."""
        for projection in (self.linear_c1.proj, self.linear_c2.proj, self.linear_c3.proj, self.linear_c4.proj):
            nn.init.kaiming_uniform_(projection.weight, a=math.sqrt(5), generator=generator)
            nn.init.zeros_(projection.bias)
        self.linear_fuse.initialize(generator)
        initialize_classifier(self.linear_pred, generator)

    def _fuse(self, features: Sequence[Tensor], size: torch.Size) -> Tensor:
        projections = [self.linear_c1.proj, self.linear_c2.proj, self.linear_c3.proj, self.linear_c4.proj]
        mixers = self.linear_fuse.conv.weight.flatten(1).chunk(len(projections), dim=1)[::-1]
        return folded(projections, mixers, features, size)


def folded(
    projections: Sequence[nn.Linear], mixers: Sequence[Tensor], features: Sequence[Tensor], size: torch.Size
) -> Tensor:
    """Returns sum_i up(W_i (L_i c_i)), float [B, width, H, W], with the products of the matrices computed first.

    Args:
        projections: Linear layers L_i of the maps, finest first.
        mixers: W_i [width, width], the columns of the fusion that read each map.
        features: Maps c_i [B, C_i, h_i, w_i], finest first.
        size: (H, W), to which the maps are enlarged bilinearly.
    """
    total: Tensor | None = None
    # From the deepest map on, so that the largest addition comes last and its result goes to the norm.
    for projection, mixer, feature in reversed(list(zip(projections, mixers, features, strict=True))):
        weight, bias = mixer @ projection.weight, mixer @ projection.bias
        part = as_image(functional.linear(as_tokens(feature), weight, bias))
        if part.shape[-2:] != size:
            part = functional.interpolate(part, size, mode="bilinear", align_corners=False)
        total = part if total is None else total + part
    assert total is not None
    return total


class Projection(nn.Module):
    """Linear layer of one map, under the name that published checkpoints use."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Linear(inputs, width)

    def forward(self, feature: Tensor) -> Tensor:
        """Maps [B, C, H, W] to [B, width, H, W]; heads that fold the layer into the next one use `proj` instead."""
        return as_image(self.proj(as_tokens(feature)))


class Fusion(nn.Module):
    """The 1x1 convolution over the concatenated maps and its batch norm."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn = nn.BatchNorm2d(width)

    def initialize(self, generator: torch.Generator) -> None:
        """Initializes the convolution by He's rule, and the norm as the identity."""
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu", generator=generator)
        self.bn.reset_parameters()
