"""Mix Transformer encoders B0 to B5 and a tiny one (Xie et al. 2021, SegFormer, arXiv 2105.15203)."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True, slots=True)
class Architecture:
    """The numbers of one encoder, a column per stage."""

    widths: tuple[int, int, int, int]
    depths: tuple[int, int, int, int]
    heads: tuple[int, int, int, int] = (1, 2, 5, 8)
    reductions: tuple[int, int, int, int] = (8, 4, 2, 1)
    """Side of the square of tokens that the keys and values of a stage summarise."""


WIDE = (64, 128, 320, 512)

ENCODERS: dict[str, Architecture] = {
    "mit_tiny": Architecture((16, 32, 64, 96), (1, 1, 1, 1), heads=(1, 2, 4, 6)),
    "mit_b0": Architecture((32, 64, 160, 256), (2, 2, 2, 2)),
    "mit_b1": Architecture(WIDE, (2, 2, 2, 2)),
    "mit_b2": Architecture(WIDE, (3, 4, 6, 3)),
    "mit_b3": Architecture(WIDE, (3, 4, 18, 3)),
    "mit_b4": Architecture(WIDE, (3, 8, 27, 3)),
    "mit_b5": Architecture(WIDE, (3, 6, 40, 3)),
}

PATCHES = ((7, 4), (3, 2), (3, 2), (3, 2))
"""Kernel and stride of the overlapping patches that open each stage."""

MLP_RATIO = 4
BLOCK_EPS = 1e-6
PATCH_EPS = 1e-5
"""Layer norms after a convolution have this epsilon, all others `BLOCK_EPS`: so were the published weights trained."""


class MixTransformer(nn.Module):
    """Four stages that each halve the resolution (the first quarters it) and each end in a feature map.

    Tokens lie in memory as [B, H, W, C] all the way, which for convolutions is a channels-last image: no copy is made
    between attention and convolution.

    Args:
        architecture: the encoder's numbers.
        drop_path: greatest probability of stochastic depth; rises linearly from 0 at the first block.
        generator: of stochastic depth, which draws only where gradients are recorded in train mode. Its state is part
            of `state_dict`, so that a run that is continued drops what it would have dropped.
    """

    def __init__(self, architecture: Architecture, drop_path: float, generator: torch.Generator) -> None:
        super().__init__()
        self.channels = architecture.widths
        self.generator = generator
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

    def forward(self, images: Tensor) -> list[Tensor]:
        """Normalised images [B, 3, H, W] to feature maps [B, C, H/s, W/s] of strides s = 4, 8, 16, 32."""
        return self.run(images, 0, len(self.stages))

    def run(self, x: Tensor, first: int, end: int) -> list[Tensor]:
        """Feature maps of the stages from `first` up to, not including, `end`; x is what stage `first` reads."""
        features = []
        for stage in self.stages[first:end]:
            x = stage(x)
            features.append(x)
        return features

    def get_extra_state(self) -> Tensor:
        """For `state_dict`: the state of stochastic depth."""
        return self.generator.get_state()

    def set_extra_state(self, state: Tensor) -> None:
        """From `load_state_dict`."""
        self.generator.set_state(state.cpu())

    def blocks(self, stages: Iterable[int] = range(4)) -> Iterator["Block"]:
        """The transformer blocks of some stages, counted from 0, in the order in which they run."""
        for stage in stages:
            for block in self.stages[stage].get_submodule("blocks").children():
                assert isinstance(block, Block)
                yield block


class Stage(nn.Module):
    """Patch embedding, transformer blocks and a norm: [B, C, H, W] to [B, C', H/s, W/s]; works alone."""

    def __init__(self, inputs: int, width: int, patch: tuple[int, int], blocks: list["Block"]) -> None:
        super().__init__()
        self.patch_embed = PatchEmbedding(inputs, width, *patch)
        self.blocks = nn.Sequential(*blocks)
        self.norm = nn.LayerNorm(width, BLOCK_EPS)

    def forward(self, x: Tensor) -> Tensor:
        return as_image(self.norm(self.blocks(self.patch_embed(x))))


class PatchEmbedding(nn.Module):
    """Overlapping patches of an image as tokens [B, H/s, W/s, C]."""

    def __init__(self, inputs: int, width: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(inputs, width, kernel, stride, kernel // 2)
        self.norm = nn.LayerNorm(width, PATCH_EPS)

    def forward(self, x: Tensor) -> Tensor:
        tokens: Tensor = self.norm(as_tokens(self.proj(x)))
        return tokens


class Block(nn.Module):
    """Attention and MLP over tokens [B, H, W, C], each after a norm and with a residual.

    The block owns one slot for an adapter: `parallel`, a module from [B, H, W, C] to the same shape, sees what the MLP
    sees and is added to what the MLP says. It is empty unless somebody assigns to it.
    """

    parallel: nn.Module | None

    def __init__(self, width: int, heads: int, reduction: int, drop_path: "DropPath") -> None:
        super().__init__()
        self.width = width
        self.norm1 = nn.LayerNorm(width, BLOCK_EPS)
        self.attn = Attention(width, heads, reduction)
        self.norm2 = nn.LayerNorm(width, BLOCK_EPS)
        self.mlp = Mlp(width)
        self.drop_path = drop_path
        self.register_module("parallel", None)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.drop_path(self.attn(self.norm1(x)))
        normed = self.norm2(x)
        update = self.mlp(normed)
        if self.parallel is not None:
            update = update + self.parallel(normed)
        tokens: Tensor = x + self.drop_path(update)
        return tokens


class Attention(nn.Module):
    """Every token attends to a grid of tokens that is coarser by `reduction` along each side."""

    def __init__(self, width: int, heads: int, reduction: int) -> None:
        super().__init__()
        self.heads = heads
        self.q = nn.Linear(width, width)
        self.kv = nn.Linear(width, 2 * width)
        self.proj = nn.Linear(width, width)
        self.sr = nn.Conv2d(width, width, reduction, reduction) if reduction > 1 else None
        self.norm = nn.LayerNorm(width, PATCH_EPS) if reduction > 1 else None

    def forward(self, x: Tensor) -> Tensor:
        batch, height, width, channels = x.shape
        coarse = x if self.norm is None else self.norm(self._summarise(x))
        query = self._split(self.q(x))
        key, value = (self._split(part) for part in self.kv(coarse).chunk(2, dim=-1))
        mixed = functional.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        tokens: Tensor = self.proj(mixed.reshape(batch, height, width, channels))
        return tokens

    def _summarise(self, x: Tensor) -> Tensor:
        """The convolution `sr`, whose stride is its kernel: a linear map of patches, two to three times faster so."""
        assert self.sr is not None
        side = self.sr.stride[0]
        rows, columns = x.shape[1] // side, x.shape[2] // side
        patches = x[:, : rows * side, : columns * side].reshape(len(x), rows, side, columns, side, -1)
        weight = self.sr.weight.permute(0, 2, 3, 1).flatten(1)
        return functional.linear(patches.transpose(2, 3).flatten(3), weight, self.sr.bias)

    def _split(self, x: Tensor) -> Tensor:
        """[B, H, W, C] to [B, heads, H * W, C / heads]."""
        return x.view(len(x), -1, self.heads, x.shape[-1] // self.heads).transpose(1, 2)


class Mlp(nn.Module):
    """Linear, depthwise 3x3 convolution (the encoder's only sense of position), GELU, linear."""

    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = MLP_RATIO * width
        self.fc1 = nn.Linear(width, hidden)
        self.dwconv = nn.Conv2d(hidden, hidden, 3, padding=1, groups=hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        hidden = as_tokens(self.dwconv(as_image(self.fc1(x))))
        tokens: Tensor = self.fc2(functional.gelu(hidden))
        return tokens


class DropPath(nn.Module):
    """Stochastic depth (Huang et al. 2016): a residual branch is left out for whole images while the model learns.

    It acts only in train mode and where gradients are recorded. Hence a frozen prefix and a teacher, which run without
    gradients, never drop anything, and the prefix is the same for student, teacher and static model.
    """

    def __init__(self, probability: float, generator: torch.Generator) -> None:
        super().__init__()
        self.probability = probability
        self.generator = generator

    def forward(self, x: Tensor) -> Tensor:
        if self.probability == 0.0 or not self.training or not torch.is_grad_enabled():
            return x
        keep = 1.0 - self.probability
        # Drawn where the generator lives, so that the same seed drops the same images on every device.
        kept = torch.rand((len(x), 1, 1, 1), generator=self.generator, device=self.generator.device) < keep
        return x * kept.to(x) / keep


def as_tokens(image: Tensor) -> Tensor:
    """[B, C, H, W] to [B, H, W, C]; a view if the image is channels-last."""
    return image.permute(0, 2, 3, 1).contiguous()


def as_image(tokens: Tensor) -> Tensor:
    """[B, H, W, C] to [B, C, H, W] in channels-last order; always a view."""
    return tokens.permute(0, 3, 1, 2)


def initialise_encoder(encoder: MixTransformer, generator: torch.Generator) -> None:
    """Fill every parameter as SegFormer does: linear from a truncated normal, convolutions by fan-out, biases 0."""
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
