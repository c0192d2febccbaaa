"""Pseudo-labels: the teacher's predictions and their weights (DACS, arXiv 2007.08702)."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from segada.evaluation.label_counts import LabelCounts, label_counts


@dataclass(frozen=True, slots=True)
class PseudoLabels:
    """Pseudo-labels of a batch.

    Attributes:
        labels: int64 [B, H, W], most probable class.
        weight: float32 [B, H, W] in [0, 1]; the same number everywhere but in ignored rows, where it is 0.
        sure_share: float32 [], share of the pixels whose confidence reaches the threshold.
        counts: Counts of the sure pixels outside ignored rows against ground truth; None if there is none, or nothing
            was to be counted.
    """

    labels: Tensor
    weight: Tensor
    sure_share: Tensor
    counts: LabelCounts | None = None


def pseudo_labels(
    logits: Tensor,
    threshold: float,
    pseudo_ignore_top: float,
    pseudo_ignore_bottom: float,
    truth: Tensor | None = None,
) -> PseudoLabels:
    """Computes labels and weights from the teacher's logits.

    Every pixel has the same weight: the share of pixels in the batch with max softmax >= threshold.

    Args:
        logits: float [B, K, H, W], at label resolution.
        threshold: Confidence in [0, 1] from which a pixel counts as confident.
        pseudo_ignore_top: Share of the rows, from the top, with weight 0.
        pseudo_ignore_bottom: Share of the rows, from the bottom, with weight 0.
        truth: int64 [B, H, W], ground truth against which the sure pixels are counted; it changes neither labels nor
            weights. None counts nothing.
    """
    highest, labels = logits.max(dim=1)
    confidence = (highest - logits.logsumexp(dim=1)).exp()
    sure = confidence >= threshold
    sure_share = sure.float().mean()
    weight = sure_share.expand(labels.shape).clone()
    rows = labels.shape[1]
    weight[:, : round(rows * pseudo_ignore_top)] = 0.0
    weight[:, rows - round(rows * pseudo_ignore_bottom) :] = 0.0
    counts = None if truth is None else label_counts(labels, sure & (weight > 0), truth, logits.shape[1])
    return PseudoLabels(labels, weight, sure_share, counts)


def ground_truth(pseudo_labels: PseudoLabels, labels: Tensor) -> PseudoLabels:
    """Replaces the labels by ground truth: every pixel has weight 1, and 255 stays ignored.

    Args:
        pseudo_labels: Pseudo-labels of the teacher.
        labels: int64 [B, H, W], the target's ground truth.
    """
    return replace(pseudo_labels, labels=labels, weight=torch.ones_like(pseudo_labels.weight))
