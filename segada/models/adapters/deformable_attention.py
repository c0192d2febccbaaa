"""Multi-scale deformable attention (Zhu et al. 2020, arXiv 2010.04159): each query samples a few points of each map."""

import logging
import math
from collections.abc import Sequence
from importlib.machinery import PathFinder
from importlib.util import find_spec

import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.adapters.initialization import filled, silent

Shapes = Sequence[tuple[int, int]]
"""Height and width of each map."""


def _has_mmcv_kernel() -> bool:
    package = find_spec("mmcv")
    # Without importing mmcv, which takes seconds: only its full build has a compiled part.
    return package is not None and PathFinder.find_spec("mmcv._ext", package.submodule_search_locations) is not None


MMCV_KERNEL = _has_mmcv_kernel()
logging.getLogger(__name__).info(
    "deformable attention on CUDA: %s", "the kernel of mmcv" if MMCV_KERNEL else "grid_sample, as on a CPU"
)


class DeformableAttention(nn.Module):
    """Attention of tokens to maps of other resolutions, around their own position.

    Each head of each token samples `points` points in each map. Linear maps of the token give the offsets of the
    points, relative to the token's own position and in pixels of the map, and their weights, whose softmax over all
    points of all maps sums to 1. The value of a point is the bilinear interpolation of a linear map of the maps'
    channels, zero outside.

    At initialization the heads sample in different directions, the points of each at increasing distances, all with the
    same weight. Names of parameters are those of mmcv and of the paper's code.

    Args:
        width: C, of tokens and maps.
        heads: Number of heads, a divisor of C.
        levels: Number of maps.
        points: Number of points that each head samples in each map.
        generator: Generator of the initialization.

    Raises:
        ValueError: The heads do not divide the width.
    """

    def __init__(self, width: int, heads: int, levels: int, points: int, generator: torch.Generator) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"{heads} heads of a deformable attention must divide its width of {width}")
        self.heads, self.levels, self.points = heads, levels, points
        with torch.device("meta"):
            self.sampling_offsets = nn.Linear(width, heads * levels * points * 2)
            self.attention_weights = nn.Linear(width, heads * levels * points)
            self.value_proj = nn.Linear(width, width)
            self.output_proj = nn.Linear(width, width)
        filled(self, generator)
        for layer in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(layer.weight, generator=generator)
        silent(self.attention_weights)
        silent(self.sampling_offsets)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(_first_offsets(heads, levels, points).flatten())

    def forward(self, tokens: Tensor, memory: Tensor, shapes: Shapes) -> Tensor:
        """Computes the attention's output for each token.

        Args:
            tokens: [B, H, W, C], evenly spread over the images.
            memory: [B, S, C], the pixels of all maps row by row, one map after the other.
            shapes: Shapes of the maps; their areas sum to S.

        Returns:
            [B, H, W, C].
        """
        batch, height, width, channels = tokens.shape
        queries = tokens.flatten(1, 2)
        layout = (batch, height * width, self.heads, self.levels, self.points)
        offsets = self.sampling_offsets(queries).view(*layout, 2)
        sizes = torch.tensor([(columns, rows) for rows, columns in shapes], dtype=tokens.dtype, device=tokens.device)
        places = _centres(height, width, tokens)[:, None, None, None] + offsets / sizes[:, None]
        weights = self.attention_weights(queries).view(*layout[:3], -1).softmax(-1).view(layout)
        values = self.value_proj(memory).view(batch, -1, self.heads, channels // self.heads)
        look = look_with_mmcv if MMCV_KERNEL and values.is_cuda else look_at_points
        seen: Tensor = self.output_proj(look(values, shapes, places, weights))
        return seen.view(tokens.shape)


def look_at_points(values: Tensor, shapes: Shapes, places: Tensor, weights: Tensor) -> Tensor:
    """Computes the sum over maps l and points p of weight_lp * map_l(place_lp), for each query and head.

    Args:
        values: [B, S, heads, D], the pixels of all maps row by row, one map after the other.
        shapes: Shapes of the L maps.
        places: [B, Q, heads, L, P, 2], x and y from 0 (left, top edge) to 1; a map is zero outside.
        weights: [B, Q, heads, L, P].

    Returns:
        [B, Q, heads * D].
    """
    batch, queries, heads = places.shape[:3]
    total: Tensor | None = None
    start = 0
    for level, (height, width) in enumerate(shapes):
        pixels = values[:, start : start + height * width]
        start += height * width
        one_map = pixels.permute(0, 2, 3, 1).reshape(batch * heads, -1, height, width)
        grid = (2 * places[:, :, :, level] - 1).transpose(1, 2).flatten(0, 1)
        seen = functional.grid_sample(one_map, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        part = (seen * weights[:, :, :, level].transpose(1, 2).flatten(0, 1).unsqueeze(1)).sum(-1)
        total = part if total is None else total + part
    assert total is not None
    return total.view(batch, -1, queries).transpose(1, 2)


def look_with_mmcv(values: Tensor, shapes: Shapes, places: Tensor, weights: Tensor) -> Tensor:
    """Computes the result of `look_at_points` with the kernel of a full mmcv, on a GPU."""
    from mmcv.ops.multi_scale_deform_attn import MultiScaleDeformableAttnFunction

    sizes = torch.tensor(list(shapes), device=values.device)
    areas = sizes.prod(1)
    seen: Tensor = MultiScaleDeformableAttnFunction.apply(
        values.contiguous(), sizes, areas.cumsum(0) - areas, places.contiguous(), weights.contiguous(), len(values)
    )
    return seen


def _first_offsets(heads: int, levels: int, points: int) -> Tensor:
    """Returns [heads, levels, points, 2]: initial offsets in one direction per head, on a square around the token."""
    angles = torch.arange(heads) * (2 * math.pi / heads)
    directions = torch.stack([angles.cos(), angles.sin()], -1)
    directions = directions / directions.abs().amax(-1, keepdim=True)
    steps = torch.arange(1, points + 1).view(1, 1, points, 1)
    return (directions[:, None, None] * steps).expand(heads, levels, points, 2)


def _centres(height: int, width: int, like: Tensor) -> Tensor:
    """Returns [H * W, 2]: x and y of the centres of a grid of tokens, from 0 to 1."""
    rows = (torch.arange(height, device=like.device, dtype=like.dtype) + 0.5) / height
    columns = (torch.arange(width, device=like.device, dtype=like.dtype) + 0.5) / width
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y], -1).flatten(0, 1)
