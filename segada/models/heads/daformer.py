"""The DAFormer head (Hoyer et al. 2022, arXiv 2111.14887): context-aware fusion of four embedded feature maps."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.heads.base import Head, initialize_classifier
from segada.models.heads.segformer import Projection, folded

DILATIONS = (6, 12, 18)
"""Dilations of the 3x3 branches, in pixels of the finest map; the first branch is 1x1."""


class DAFormerHead(Head):
    """DAFormer head: logits [B, K, H/4, W/4] from feature maps of strides 4, 8, 16 and 32.

    Each map goes through a linear layer to `width` channels and is enlarged bilinearly to the finest; their
    concatenation goes through parallel branches of several dilations, whose outputs a 3x3 convolution fuses before the
    classifier. There is no dropout. Parameters have the names of the published checkpoints.
    """

    def __init__(self, channels: Sequence[int], width: int, classes: int) -> None:
        super().__init__(channels)
        self.embed_layers = nn.ModuleList(Projection(size, width) for size in channels)
        self.fuse_layer: nn.Module = ContextFusion(len(channels) * width, width)
        self.conv_seg = nn.Conv2d(width, classes, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        size = features[0].shape[-2:]
        embedded = [_enlarged(layer(feature), size) for layer, feature in zip(self.embed_layers, features, strict=True)]
        logits: Tensor = self.conv_seg(self.fuse_layer(torch.cat(embedded, dim=1)))
        return logits

    def stage_part(self, stage: int) -> nn.Module:
        """Returns the linear layer that reads the map of a stage."""
        return self.embed_layers[stage]

    def initialize(self, generator: torch.Generator) -> None:
        """Initializes every parameter and buffer: linear layers uniform, convolutions by He's rule, the classifier
        small."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.kaiming_uniform_(module.weight, a=math.sqrt(5), generator=generator)
                nn.init.zeros_(module.bias)
            elif isinstance(module, ConvNorm):
                nn.init.kaiming_normal_(module.conv.weight, nonlinearity="relu", generator=generator)
                module.bn.reset_parameters()
        initialize_classifier(self.conv_seg, generator)


class DAFormerConvHead(DAFormerHead):
    """DAFormer head without context: a 1x1 convolution, batch norm and ReLU fuse the maps (`daformer_conv1` of the
    authors' configurations, SegFormer's head of width 256 with the finest map first).

    The linear layers are folded into the convolution as in `SegFormerHead`: outputs and gradients are the same.
    """

    def __init__(self, channels: Sequence[int], width: int, classes: int) -> None:
        super().__init__(channels, width, classes)
        self.fuse_layer: nn.Module = ConvNorm(len(channels) * width, width, 1)

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        assert isinstance(self.fuse_layer, ConvNorm)
        projections = [layer.proj for layer in self.embed_layers if isinstance(layer, Projection)]
        mixers = self.fuse_layer.conv.weight.flatten(1).chunk(len(projections), dim=1)
        fused = folded(projections, mixers, features, features[0].shape[-2:])
        logits: Tensor = self.conv_seg(functional.relu(self.fuse_layer.bn(fused)))
        return logits


class ContextFusion(nn.Module):
    """Parallel branches of different dilation (atrous spatial pyramid pooling) and a 3x3 convolution over all of
    them."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.aspp_modules = nn.ModuleList(
            [ConvNorm(inputs, width, 1), *(SeparableConv(inputs, width, dilation) for dilation in DILATIONS)]
        )
        self.bottleneck = ConvNorm(len(self.aspp_modules) * width, width, 3)

    def forward(self, x: Tensor) -> Tensor:
        fused: Tensor = self.bottleneck(torch.cat([branch(x) for branch in self.aspp_modules], dim=1))
        return fused


class SeparableConv(nn.Module):
    """A dilated depthwise 3x3 convolution, then a 1x1 convolution; each followed by a norm and a ReLU."""

    def __init__(self, inputs: int, outputs: int, dilation: int) -> None:
        super().__init__()
        self.depthwise_conv = ConvNorm(inputs, inputs, 3, dilation, groups=inputs)
        self.pointwise_conv = ConvNorm(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        mixed: Tensor = self.pointwise_conv(self.depthwise_conv(x))
        return mixed


class ConvNorm(nn.Module):
    """A convolution without bias that keeps the size, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1, groups: int = 1) -> None:
        super().__init__()
        padding = dilation * (kernel // 2)
        self.conv = nn.Conv2d(inputs, outputs, kernel, padding=padding, dilation=dilation, groups=groups, bias=False)
        self.bn = nn.BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.bn(self.conv(x)))


def _enlarged(x: Tensor, size: torch.Size) -> Tensor:
    if x.shape[-2:] == size:
        return x
    return functional.interpolate(x, size, mode="bilinear", align_corners=False)
