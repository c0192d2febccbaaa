"""Bilinear enlargement as two small matrix products: exact, and faster than torch's kernel on a CPU."""

from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

STRIP = 2**20
"""Number of elements of an enlarged map that fit into a processor's cache together with the results computed from
them."""


def enlarged(maps: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Enlarges maps; equal up to rounding to `interpolate(maps, size, mode="bilinear", align_corners=False)`, gradients
    included.

    Bilinear interpolation is separable and linear: rows and columns are each a fixed matrix. On a CPU the two products
    take a third of the time of interpolation, forward and backward; on a GPU the native kernel is used.

    Args:
        maps: float [B, C, h, w].
        size: (H, W).

    Returns:
        float [B, C, H, W].
    """
    height, width = size
    if (height, width) == tuple(maps.shape[-2:]):
        return maps
    if maps.device.type != "cpu":
        return functional.interpolate(maps, size=(height, width), mode="bilinear", align_corners=False)
    rows = _weights(maps.shape[-2], height, maps.dtype)
    columns = _weights(maps.shape[-1], width, maps.dtype)
    return rows @ (maps.contiguous() @ columns.T)


def enlarged_strips(maps: Tensor, size: torch.Size | tuple[int, int]) -> Iterator[Tensor]:
    """Yields the result of `enlarged` in strips of rows [B, C, rows, W] from the top; on a GPU, in one strip.

    A strip stays in the processor's cache, and a large map is never in memory as a whole. Maps of different sizes are
    split into the same strips if B, C and `size` are the same.
    """
    height, width = size
    rows = max(1, STRIP // (maps.shape[0] * maps.shape[1] * width))
    if maps.device.type != "cpu" or rows >= height:
        yield enlarged(maps, size)
        return
    down, across = _weights(maps.shape[-2], height, maps.dtype), _weights(maps.shape[-1], width, maps.dtype)
    for strip in torch.split(down, rows):
        read = strip.any(dim=0).nonzero()
        first, last = int(read[0]), int(read[-1]) + 1
        yield strip[:, first:last] @ (maps[:, :, first:last].contiguous() @ across.T)


@lru_cache(maxsize=64)
def _weights(small: int, large: int, dtype: torch.dtype) -> Tensor:
    """Returns [large, small]: row i holds the weights of the small positions in the large position i."""
    # The cached tensor must not depend on the mode of its first caller: inference tensors cannot be used in training.
    with torch.inference_mode(mode=False), torch.no_grad():
        unit = torch.eye(small, dtype=dtype)[None, :, :, None]
        return functional.interpolate(unit, size=(large, 1), mode="bilinear", align_corners=False)[
            0, :, :, 0
        ].T.contiguous()
