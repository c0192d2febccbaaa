"""A small encoder with norms of any kind; by default batch norms, whose frames see each other in train mode."""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor, nn

from segada.methods.base import MethodParts
from segada.models.encoders.base import Encoder, Guide
from segada.models.heads.segformer import SegFormerHead
from segada.models.staged_segmentor import SegmentorShape, StagedSegmentor

CHANNELS = (8, 12, 16, 24)


class NormEncoder(Encoder):
    """Convolution, norm, ReLU per stage."""

    def __init__(self, norm: Callable[[int], nn.Module]) -> None:
        super().__init__()
        self.channels = CHANNELS
        self.generator = torch.Generator()
        inputs = (3, *CHANNELS[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(nn.Conv2d(before, width, stride, stride), norm(width), nn.ReLU())
            for before, width, stride in zip(inputs, CHANNELS, (4, 2, 2, 2), strict=True)
        )

    def run(self, x: Tensor, first: int, end: int, guide: Guide | None = None) -> list[Tensor]:  # noqa: ARG002
        maps = []
        for stage in self.stages[first:end]:
            x = stage(x)
            maps.append(x)
        return maps


def with_norm_encoder(parts: MethodParts, norm: Callable[[int], nn.Module] = nn.BatchNorm2d) -> MethodParts:
    """The parts with a network of this encoder, the same each time; `norm` makes one for a width."""
    generator = torch.Generator().manual_seed(0)
    encoder, head = NormEncoder(norm), SegFormerHead(CHANNELS, 16, 19)
    for parameter in encoder.parameters():
        nn.init.normal_(parameter, 0.5, 0.3, generator=generator)
    head.initialize(generator)
    return replace(parts, network=StagedSegmentor(SegmentorShape("norm", "segformer", 16, 19), encoder, head))
