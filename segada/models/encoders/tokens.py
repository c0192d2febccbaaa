"""Conversion between tokens (channels last) and images (channels first)."""

from torch import Tensor


def as_tokens(image: Tensor) -> Tensor:
    """Returns [B, H, W, C] from [B, C, H, W]; a view if the image is channels-last."""
    return image.permute(0, 2, 3, 1).contiguous()


def as_image(tokens: Tensor) -> Tensor:
    """Returns [B, C, H, W] in channels-last order from [B, H, W, C]; always a view."""
    return tokens.permute(0, 3, 1, 2)
