"""Counts areas of classes from predictions and labels."""

import torch
from torch import Tensor

from segada.data.labels import IGNORE, NUM_CLASSES


def frame_areas(predictions: Tensor, labels: Tensor) -> Tensor:
    """Counts the areas of every frame, see `segada.metrics.Areas`.

    Args:
        predictions: integers [B, H, W], 0 to 18.
        labels: integers [B, H, W], 0 to 18 or 255 (ignored).

    Returns:
        int64 [B, 3, 19].
    """
    rows = NUM_CLASSES + 1
    frames = torch.arange(len(labels), device=labels.device)[:, None, None]
    labels = labels.to(torch.int64)
    cells = (frames * rows + torch.where(labels == IGNORE, NUM_CLASSES, labels)) * NUM_CLASSES + predictions
    counts = torch.bincount(cells.flatten(), minlength=len(labels) * rows * NUM_CLASSES)
    confusion = counts.view(len(labels), rows, NUM_CLASSES)[:, :NUM_CLASSES]
    return torch.stack([confusion.diagonal(dim1=1, dim2=2), confusion.sum(dim=1), confusion.sum(dim=2)], dim=1)
