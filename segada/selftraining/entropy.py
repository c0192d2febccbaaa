"""Entropy of predictions, which TENT minimizes (Wang et al. 2021, arXiv 2006.10726)."""

from torch import Tensor


def mean_entropy(logits: Tensor) -> Tensor:
    """Returns the mean over pixels of the softmax entropy in nats.

    Args:
        logits: float [B, K, H, W].

    Returns:
        float [], in [0, log K].
    """
    return pixel_entropy(logits).mean()


def pixel_entropy(logits: Tensor) -> Tensor:
    """Returns the softmax entropy of each pixel in nats, float [B, H, W], of logits [B, K, H, W]."""
    log_probability = logits.log_softmax(dim=1)
    return -(log_probability.exp() * log_probability).sum(dim=1)
