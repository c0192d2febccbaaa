"""Areas of classes and the intersection over union that they give. Plain numpy: imports no torch."""

import numpy as np
import numpy.typing as npt

Areas = npt.NDArray[np.int64]
"""[..., 3, classes]: pixels per class in the intersection, in the prediction and in the labels, ignored pixels left
out."""

Floats = npt.NDArray[np.float64]


def iou_per_class(areas: Areas | Floats) -> Floats:
    """Returns the IoU [..., classes] of areas [..., 3, classes]; NaN for a class without a labelled pixel.

    A class that the labels never show has no IoU, even if it was predicted somewhere: those pixels already count as
    missed by the classes they belong to. So a data set that knows only some classes (CamVid: 11) is scored on these.
    """
    intersection, predicted, labelled = np.moveaxis(areas.astype(np.float64), -2, 0)
    union = predicted + labelled - intersection
    iou = np.full(union.shape, np.nan)
    np.divide(intersection, union, out=iou, where=labelled > 0)
    return iou


def mean_iou(areas: Areas) -> float:
    """Returns the mean of `iou_per_class` over the classes that have one; NaN if none has.

    Args:
        areas: of a set of frames together, [3, classes].
    """
    iou = iou_per_class(areas)
    present = iou[~np.isnan(iou)]
    return float(present.mean()) if len(present) else float("nan")


def mean_iou_by_set(areas: Areas | Floats) -> Floats:
    """Returns the mIoU [sets] of several sets of frames at once; 0 for a set in which nothing is labelled.

    Args:
        areas: [sets, 3, classes]; sums over the frames of each set, weighted or not.
    """
    iou = iou_per_class(areas)
    labelled = (~np.isnan(iou)).sum(axis=1)
    return np.asarray(np.nansum(iou, axis=1) / np.maximum(labelled, 1), dtype=np.float64)
