"""Pixel losses of self-training."""

from torch import Tensor
from torch.nn import functional

from segada.data.labels import IGNORE


def pixel_cross_entropy(logits: Tensor, labels: Tensor, weight: Tensor | None = None) -> Tensor:
    """Cross-entropy, averaged over all pixels: ignored ones add 0 but count in the mean, as in DACS and Hamlet.

    Args:
        logits: float [B, K, H, W], at label resolution.
        labels: int64 [B, H, W]; 255 is ignored.
        weight: float [B, H, W], multiplied per pixel without renormalisation.

    Returns:
        float [].
    """
    if weight is None:
        return functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="sum") / labels.numel()
    return (functional.cross_entropy(logits, labels, ignore_index=IGNORE, reduction="none") * weight).mean()
