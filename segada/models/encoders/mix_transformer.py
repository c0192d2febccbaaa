"""Mix Transformer encoders B0 to B5 and a tiny one (Xie et al. 2021, SegFormer, arXiv 2105.15203)."""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from segada.models.encoders.base import Encoder, Guide
from segada.models.encoders.drop_path import DropPath
from segada.models.encoders.mix_block import BLOCK_EPS, PATCH_EPS, Block
from segada.models.encoders.tokens import as_image, as_tokens
from segada.settings.architectures import Architecture

PATCHES = ((7, 4), (3, 2), (3, 2), (3, 2))
"""Kernel size and stride of the overlapping patch embedding of each stage."""


class MixTransformer(Encoder):
    """Mix Transformer: four stages that each halve the resolution (the first quarters it) and each output a feature
    map.

    Tokens are stored as [B, H, W, C] throughout, which for convolutions is a channels-last image: no copy is made
    between attention and convolution.

    Args:
        architecture: Widths, depths, heads and reductions of the stages.
        drop_path: Greatest probability of stochastic depth; rises linearly from 0 at the first block.
        generator: Generator of stochastic depth, which draws only where gradients are recorded in train mode. Its state
            is part of `state_dict`, so that a resumed run drops the same branches.
    """

    reader: "Reader | None"

    def __init__(self, architecture: Architecture, drop_path: float, generator: torch.Generator) -> None:
        super().__init__()
        self.channels = architecture.widths
        self.generator = generator
        self.register_module("reader", None)
        total = sum(architecture.depths)
        drops = iter([drop_path * block / max(total - 1, 1) for block in range(total)])
        self.stages = nn.ModuleList(
            Stage(
                (3, *architecture.widths)[index],
                architecture.widths[index],
                PATCHES[index],
                [
                    Block(
                        architecture.widths[index],
                        architecture.heads[index],
                        architecture.reductions[index],
                        DropPath(next(drops), generator),
                    )
                    for _ in range(architecture.depths[index])
                ],
            )
            for index in range(4)
        )

    def run(self, x: Tensor, first: int, end: int, guide: Guide | None = None) -> list[Tensor]:
        """Returns the feature maps of the stages from `first` up to, not including, `end`; x is the input of stage
        `first`."""
        features = []
        for index in range(first, end):
            x = self.stages[index](x, guide)
            features.append(x)
        return features

    def guide(self, images: Tensor) -> Guide | None:
        """Returns the reader's output for normalized images; None without a reader."""
        return None if self.reader is None else self.reader(images)

    def fed(self, features: Sequence[Tensor], guide: Guide | None) -> list[Tensor]:
        """Returns the feature maps as inputs of the head."""
        return list(features) if self.reader is None or guide is None else self.reader.fed(features, guide)

    def block_names(self, stage: int) -> list[str]:
        """Returns the dotted names, in the encoder, of the transformer blocks of a stage, counted from 0."""
        return [f"stages.{stage}.blocks.{index}" for index, _ in enumerate(self.stage(stage).each_block())]

    def blocks(self, stages: Sequence[int] = range(4)) -> Iterator[Block]:
        """Yields the transformer blocks of some stages, counted from 0, in the order in which they run."""
        for index in stages:
            yield from self.stage(index).each_block()

    def stage(self, index: int) -> "Stage":
        """Returns a stage, counted from 0."""
        stage = self.stages[index]
        assert isinstance(stage, Stage)
        return stage


class Reader(nn.Module):
    """Base of modules that read the images beside an encoder, such as a stem or a high-pass filter.

    `forward` maps normalized images [B, 3, H, W] to a `Guide`.
    """

    def fed(self, features: Sequence[Tensor], guide: Guide) -> list[Tensor]:  # noqa: ARG002 - most feed nothing
        """Returns the feature maps as inputs of the head; unchanged unless the reader feeds the head."""
        return list(features)


class Stage(nn.Module):
    """Patch embedding, transformer blocks and a norm: [B, C, H, W] to [B, C', H/s, W/s]; can be used alone.

    Its slot `prompt` is called with the tokens [B, H, W, C] that enter the first block and the guide. It returns the
    tensors that are added to the tokens before some of the blocks: {block, counted from 0: [B, H, W, C]}.
    """

    prompt: nn.Module | None

    def __init__(self, inputs: int, width: int, patch: tuple[int, int], blocks: list[Block]) -> None:
        super().__init__()
        self.width = width
        self.patch_embed = PatchEmbedding(inputs, width, *patch)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(width, BLOCK_EPS)
        self.register_module("prompt", None)

    def forward(self, x: Tensor, guide: Guide | None = None) -> Tensor:
        tokens = self.patch_embed(x)
        additions: Mapping[int, Tensor] = {} if self.prompt is None else self.prompt(tokens, guide)
        for index, block in enumerate(self.blocks):
            tokens = block(tokens + additions[index] if index in additions else tokens)
        return as_image(self.norm(tokens))

    def each_block(self) -> Iterator[Block]:
        """Yields the blocks in the order in which they run."""
        for block in self.blocks:
            assert isinstance(block, Block)
            yield block


class PatchEmbedding(nn.Module):
    """Overlapping patches of an image as tokens [B, H/s, W/s, C]."""

    def __init__(self, inputs: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, width, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(width, PATCH_EPS)

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.norm(as_tokens(self.proj(x)))
        return tokens


def build_mix_transformer(
    architecture: Architecture, drop_path: float, depth: torch.Generator, initialization: torch.Generator
) -> MixTransformer:
    """Builds a Mix Transformer with random weights; `depth` is the generator of stochastic depth."""
    # On the meta device first: PyTorch's own initialization would draw from the global generator.
    with torch.device("meta"):
        encoder = MixTransformer(architecture, drop_path, depth)
    encoder.to_empty(device="cpu").to(memory_format=torch.channels_last)
    initialize_encoder(encoder, initialization)
    return encoder


def initialize_encoder(encoder: MixTransformer, generator: torch.Generator) -> None:
    """Initializes every parameter as SegFormer does: linear from a truncated normal, convolutions by fan-out, biases
    0."""
    for module in encoder.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02, generator=generator)
            nn.init.zeros_(module.bias)
        elif isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels // module.groups
            nn.init.normal_(module.weight, std=math.sqrt(2.0 / fan_out), generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
