"""Counts areas of classes from predictions and labels."""

import torch
from torch import Tensor

from segada.data.labels import IGNORE


def frame_areas(predictions: Tensor, labels: Tensor, classes: int) -> Tensor:
    """Counts the areas of every frame, see `segada.metrics.Areas`.

    Args:
        predictions: integers [B, H, W], 0 to K - 1.
        labels: integers [B, H, W], 0 to K - 1 or 255 (ignored).
        classes: number of classes K, at most 255.

    Returns:
        int64 [B, 3, K].
    """
    rows = classes + 1
    frames = torch.arange(len(labels), device=labels.device)[:, None, None]
    labels = labels.to(torch.int64)
    cells = (frames * rows + torch.where(labels == IGNORE, classes, labels)) * classes + predictions
    counts = torch.bincount(cells.flatten(), minlength=len(labels) * rows * classes)
    confusion = counts.view(len(labels), rows, classes)[:, :classes]
    return torch.stack([confusion.diagonal(dim1=1, dim2=2), confusion.sum(dim=1), confusion.sum(dim=2)], dim=1)
