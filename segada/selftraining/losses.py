"""Pixel losses of self-training."""

from torch import Tensor
from torch.nn import functional

from segada.data.labels import IGNORE


def pixel_cross_entropy(logits: Tensor, labels: Tensor, weight: Tensor | None = None) -> Tensor:
    """Returns the cross-entropy averaged over all pixels: ignored ones add 0 but count, as in DACS and Hamlet.

    Args:
        logits: float [B, K, H, W], at label resolution.
        labels: int64 [B, H, W]; 255 is ignored.
        weight: float [B, H, W], multiplied per pixel without renormalization.

    Returns:
        float [].
    """
    if weight is None:
        return functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum") / labels.numel()
    return (functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="none") * weight).mean()


def soft_cross_entropy(logits: Tensor, probabilities: Tensor) -> Tensor:
    """Returns the mean over pixels of -sum_k p_k log softmax(logits)_k, in nats.

    Args:
        logits: float [B, K, h, w].
        probabilities: p, float [B, K, h, w], without gradient; each pixel's sum to 1.

    Returns:
        float [].
    """
    return -(probabilities * logits.log_softmax(dim=1)).sum(dim=1).mean()
