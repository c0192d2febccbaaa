"""Bilinear enlargement as two small matrix products: exact, and on a CPU faster than the library's."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional


def enlarged(maps: Tensor, size: torch.Size | tuple[int, int]) -> Tensor:
    """Equal to rounding to `interpolate(maps, size, mode="bilinear", align_corners=False)`, gradients included.

    Bilinear interpolation is separable and linear: rows and columns are each a fixed matrix. On a CPU the two products
    take a third of the time of interpolation, forward and backward; a GPU has its own kernel, which is kept.

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


@lru_cache(maxsize=64)
def _weights(small: int, large: int, dtype: torch.dtype) -> Tensor:
    """[large, small]: row i holds the weights of the small positions in the large position i."""
    # Caching must not tie a tensor to the mode of its first caller: inference tensors cannot be used in training.
    with torch.inference_mode(mode=False), torch.no_grad():
        unit = torch.eye(small, dtype=dtype)[None, :, :, None]
        return functional.interpolate(unit, size=(large, 1), mode="bilinear", align_corners=False)[
            0, :, :, 0
        ].T.contiguous()
