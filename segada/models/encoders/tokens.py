"""Tokens and images: the same numbers, channels last or first."""

from torch import Tensor


def as_tokens(image: Tensor) -> Tensor:
    """[B, C, H, W] to [B, H, W, C]; a view if the image is channels-last."""
    return image.permute(0, 2, 3, 1).contiguous()


def as_image(tokens: Tensor) -> Tensor:
    """[B, H, W, C] to [B, C, H, W] in channels-last order; always a view."""
    return tokens.permute(0, 3, 1, 2)
