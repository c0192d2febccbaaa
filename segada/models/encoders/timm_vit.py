"""Plain vision transformers of timm (ViT, DeiT, DINO, CLIP, EVA): four stages of blocks, and maps made from their
tokens."""

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.encoders.base import STRIDES, Guide
from segada.models.encoders.block_encoder import BlockEncoder
from segada.models.encoders.simple_pyramid import WIDTH, SimplePyramid
from segada.models.encoders.tokens import as_image, as_tokens
from segada.settings.architectures import PYRAMID

PARTS = ("patch_embed", "_pos_embed", "blocks", "norm", "num_prefix_tokens", "embed_dim", "dynamic_img_size")
"""Attributes of a model of timm that is read as a plain vision transformer."""
TAIL = ("blocks", "norm", "fc_norm", "head", "head_dist", "head_drop", "attn_pool")
"""Modules of such a model that do not stand before its first block."""


class VitEncoder(BlockEncoder):
    """Plain vision transformer, whose tokens have one resolution throughout.

    Its blocks are divided into four stages, as evenly as the depth allows. The map of a stage is the tokens after its
    last block, through the model's last norm, resized to the stage's stride: bilinear to finer strides, by means to
    coarser ones. No parameter is added, and a linear layer of the head on such a map is the same as one on the tokens.

    A token covers a square as large as a stride of 4, 8, 16 or 32 pixels, the one nearest to the model's patches.
    Images are first padded with zeros, at the bottom and at the right, to a multiple of it; patches of another size,
    such as 14, read an image resized by the ratio.

    With `add_pyramid`, the maps are those of a simple feature pyramid on the tokens after the last block.

    `run` returns the tokens [B, C, h + r, w] of each stage before norm and resizing: stages continue from them. The
    last r rows hold the tokens that belong to no place (of class and registers), one after the other, filled up with
    zeros. `fed` makes the maps. The guide is the images, whose size the maps need.

    Args:
        name: Name of the model in timm.
        model: Model of timm; its blocks and its norm are moved into the stages.
        patch: Side of its patches in pixels.
        generator: Generator of stochastic depth, which draws only where gradients are recorded in train mode.
    """

    def __init__(self, name: str, model: Any, patch: int, generator: torch.Generator) -> None:
        super().__init__()
        self.name = name
        self.channels = (model.embed_dim,) * len(STRIDES)
        self.generator = generator
        self.extra = int(model.num_prefix_tokens)
        self.patch, self.stride = patch, token_stride(patch)
        blocks, norm = list(model.blocks), model.norm
        for name in TAIL:
            if hasattr(model, name):
                delattr(model, name)
        ends = stage_ends(len(blocks))
        self.stages = nn.ModuleList(
            VitStage({str(index): blocks[index] for index in range(first, end)})
            for first, end in zip((0, *ends), ends, strict=False)
        )
        self.stages[0].register_module("stem", model)
        self.stages[-1].register_module("norm", norm)
        self.pyramid: SimplePyramid | None
        self.register_module("pyramid", None)

    def add_pyramid(self, generator: torch.Generator) -> None:
        """Makes the maps by a simple feature pyramid with random weights, in place of resized tokens."""
        self.pyramid = SimplePyramid(self.channels[0], self.stride, generator)
        self.channels = (WIDTH,) * len(STRIDES)
        self.name += PYRAMID

    def run(self, x: Tensor, first: int, end: int, guide: Guide | None = None) -> list[Tensor]:  # noqa: ARG002 - images
        """Returns the tokens of the stages from `first` up to, not including, `end`, as maps [B, C, h + r, w]; x is
        the normalized images or the tokens of the stage before."""
        tokens, grid = self._patches(x) if first == 0 else self._unpacked(x)
        rope = getattr(self._stem, "rope", None)
        rotated = None if rope is None else rope.get_embed(shape=grid)
        packed = []
        for stage in self.stages[first:end]:
            tokens = stage(tokens, rotated)
            packed.append(self._packed(tokens, grid))
        return packed

    def guide(self, images: Tensor) -> Guide:
        """Returns the images, whose size the maps need."""
        return [images]

    def fed(self, features: Sequence[Tensor], guide: Guide | None) -> list[Tensor]:
        """Returns maps [B, C, H/s, W/s] of strides s = 4, 8, 16, 32, as many as there are tokens of stages."""
        assert guide is not None
        size = guide[0].shape[-2:]
        if self.pyramid is not None:
            maps = self.pyramid(self.normed(features[-1]))
            return [
                one[..., : -(-size[0] // stride), : -(-size[1] // stride)]
                for one, stride in zip(maps, STRIDES, strict=True)
            ]
        return [
            self._map(packed, stride, (size[0], size[1])) for packed, stride in zip(features, STRIDES, strict=False)
        ]

    def finest(self, images: Tensor) -> Tensor:
        """Returns the map of stride 4 from normalized images; runs the first stage alone."""
        return self.fed(self.run(images, 0, 1), self.guide(images))[0]

    def normed(self, packed: Tensor) -> Tensor:
        """Returns the normed tokens [B, C, h, w] of places from the output of a stage."""
        tokens, grid = self._unpacked(packed)
        norm: Any = self.stages[-1].norm
        return as_image(norm(tokens[:, self.extra :]).view(len(tokens), *grid, -1))

    @property
    def _stem(self) -> Any:
        return self.stages[0].stem

    def _patches(self, images: Tensor) -> tuple[Tensor, tuple[int, int]]:
        """Returns the tokens [B, N, C] that enter the first block, and the height and width of their grid."""
        whole = whole_patches(images, self.patch)
        grid = (whole.shape[-2] // self.patch, whole.shape[-1] // self.patch)
        tokens = self._stem._pos_embed(self._stem.patch_embed(whole))
        # Rotary embeddings come with them.
        tokens = tokens[0] if isinstance(tokens, tuple) else tokens
        return self._stem.norm_pre(tokens), grid

    def _packed(self, tokens: Tensor, grid: tuple[int, int]) -> Tensor:
        height, width = grid
        extra, placed = tokens[:, : self.extra], tokens[:, self.extra :]
        filled = functional.pad(extra, (0, 0, 0, -self.extra % width))
        rows = height + filled.shape[1] // width
        return as_image(torch.cat([placed, filled], 1).view(len(tokens), rows, width, -1))

    def _unpacked(self, packed: Tensor) -> tuple[Tensor, tuple[int, int]]:
        rows, width = packed.shape[-2:]
        height = rows - -(-self.extra // width)
        tokens = as_tokens(packed).flatten(1, 2)
        places = height * width
        return torch.cat([tokens[:, places : places + self.extra], tokens[:, :places]], 1), (height, width)

    def _map(self, packed: Tensor, stride: int, size: tuple[int, int]) -> Tensor:
        x = self.normed(packed)
        if stride < self.stride:
            times = self.stride // stride
            x = functional.interpolate(x, [times * side for side in x.shape[-2:]], mode="bilinear")
        elif stride > self.stride:
            x = functional.avg_pool2d(x, stride // self.stride, ceil_mode=True)
        return x[..., : -(-size[0] // stride), : -(-size[1] // stride)]


class VitStage(nn.Module):
    """Blocks of a plain vision transformer, by their number in the model: tokens [B, N, C] to the same shape.

    The first stage also holds the model without its blocks, as `stem`; the last one the model's `norm`.
    """

    def __init__(self, blocks: dict[str, nn.Module]) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict(blocks)

    def forward(self, tokens: Tensor, rotated: Tensor | None) -> Tensor:
        for block in self.blocks.values():
            tokens = block(tokens) if rotated is None else block(tokens, rope=rotated)
        return tokens


def stage_ends(depth: int) -> tuple[int, ...]:
    """Returns the block after the last one of each stage, for a depth of at least 4: 3, 6, 9 and 12 of 12 blocks."""
    return tuple(depth * stage // len(STRIDES) for stage in range(1, len(STRIDES) + 1))


def token_stride(patch: int) -> int:
    """Returns the stride of 4, 8, 16 and 32 pixels that is nearest to the side of a patch."""
    return min(STRIDES, key=lambda stride: abs(math.log(stride / patch)))


def whole_patches(images: Tensor, patch: int) -> Tensor:
    """Returns images padded with zeros to a multiple of the tokens' stride, and resized so that each stride is a
    patch."""
    stride = token_stride(patch)
    height, width = images.shape[-2:]
    padded = functional.pad(images, (0, -width % stride, 0, -height % stride))
    if patch == stride:
        return padded
    size = [side // stride * patch for side in padded.shape[-2:]]
    return functional.interpolate(padded, size, mode="bilinear", antialias=True)


def unfit(model: Any) -> str | None:
    """Returns the reason why a model of timm cannot be read as a plain vision transformer; None if it can."""
    absent = next((name for name in PARTS if not hasattr(model, name)), None)
    if absent is not None:
        return f"timm runs it as a whole ({type(model).__name__}), so that its frozen stages could not be shared"
    if len(model.blocks) < len(STRIDES):
        return f"it has {len(model.blocks)} blocks, and each of {len(STRIDES)} stages needs one"
    if getattr(model, "rope_mixed", False):
        return "its rotary embeddings are others in each block"
    return None


@torch.no_grad()
def build_vit(name: str, model: Any, patch: int, generator: torch.Generator) -> VitEncoder | None:
    """Builds the encoder from a model in evaluation mode, and compares it with timm's own run on one small image.

    Returns:
        The encoder; None if its tokens differ from timm's, so that the model is more than its stem, blocks and norm.
    """
    side = token_stride(patch)
    images = torch.linspace(-1.0, 1.0, 3 * 3 * 2 * side**2).view(1, 3, 3 * side, 2 * side)
    ends = [end - 1 for end in stage_ends(len(model.blocks))]
    options = {"indices": ends, "norm": True, "intermediates_only": True}
    expected = model.forward_intermediates(whole_patches(images, patch), **options)
    encoder = VitEncoder(name, model, patch, generator).eval()
    own = [encoder.normed(packed) for packed in encoder.run(images, 0, len(STRIDES))]
    same = all(torch.allclose(one, other, rtol=1e-3, atol=1e-4) for one, other in zip(own, expected, strict=True))
    return encoder if same else None
