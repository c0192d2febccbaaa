"""Intersection over union from the pixels that two label maps share."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segada.data.labels import IGNORE, NUM_CLASSES

Areas = npt.NDArray[np.int64]
"""[..., 3, 19]: pixels per class in the intersection, in the prediction and in the labels, ignored pixels left out."""


def frame_areas(predictions: Tensor, labels: Tensor) -> Tensor:
    """Count what `Areas` holds for each frame by itself.

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


def iou_per_class(areas: Areas) -> npt.NDArray[np.float64]:
    """IoU [19] over a set of frames, from their summed areas [3, 19]; NaN for a class without a labelled pixel.

    A class that the labels never show has no IoU, even if it was predicted somewhere: those pixels already count as
    missed by the classes they belong to. So a data set that knows only some classes (CamVid: 11) is scored on these.
    """
    intersection, predicted, labelled = areas.astype(np.float64)
    union = predicted + labelled - intersection
    iou = np.full(NUM_CLASSES, np.nan)
    np.divide(intersection, union, out=iou, where=labelled > 0)
    return iou


def mean_iou(areas: Areas) -> float:
    """Mean of `iou_per_class` over the classes that have one; NaN if none has."""
    iou = iou_per_class(areas)
    present = iou[~np.isnan(iou)]
    return float(present.mean()) if len(present) else float("nan")
