"""Pixel losses of self-training."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from segada.data.labels import IGNORE


def class_weights(named: Mapping[str, float], names: Sequence[str], device: torch.device) -> Tensor | None:
    """Returns the weight of every class, float [K], 1 for those that are not named; None if none is named."""
    if not named:
        return None
    return torch.tensor([named.get(name, 1.0) for name in names], device=device)


def pixel_cross_entropy(
    logits: Tensor, labels: Tensor, weight: Tensor | None = None, by_class: Tensor | None = None
) -> Tensor:
    """Returns the cross-entropy averaged over all pixels: ignored ones add 0 but count, as in DACS and Hamlet.

    Args:
        logits: float [B, K, H, W], at label resolution.
        labels: int64 [B, H, W]; 255 is ignored.
        weight: float [B, H, W], multiplied per pixel without renormalization.
        by_class: float [K], multiplied by each pixel's label, also without renormalization.

    Returns:
        float [].
    """
    if weight is None:
        total = functional.cross_entropy(logits, labels, by_class, ignore_index=IGNORE, reduction="sum")
        return total / labels.numel()
    losses = functional.cross_entropy(logits, labels, by_class, ignore_index=IGNORE, reduction="none")
    return (losses * weight).mean()


def soft_cross_entropy(logits: Tensor, probabilities: Tensor) -> Tensor:
    """Returns the mean over pixels of -sum_k p_k log softmax(logits)_k, in nats.

    Args:
        logits: float [B, K, h, w].
        probabilities: p, float [B, K, h, w]; each pixel's sum to 1.

    Returns:
        float [].
    """
    return -(probabilities * logits.log_softmax(dim=1)).sum(dim=1).mean()


def symmetric_cross_entropy(logits: Tensor, others: Tensor) -> Tensor:
    """Returns the mean over pixels of half of the cross-entropies of two predictions to each other, in nats.

    Args:
        logits: float [B, K, h, w].
        others: float [B, K, h, w].

    Returns:
        float [].
    """
    return (soft_cross_entropy(logits, others.softmax(dim=1)) + soft_cross_entropy(others, logits.softmax(dim=1))) / 2
