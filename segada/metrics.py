"""Areas of classes, and intersection over union computed from them. Plain numpy, without torch."""

import numpy as np
import numpy.typing as npt

Areas = npt.NDArray[np.int64]
"""Pixels per class in intersection, prediction and labels, [..., 3, classes], without ignored pixels."""

Floats = npt.NDArray[np.float64]


def iou_per_class(areas: Areas | Floats) -> Floats:
    """Returns the IoU [..., classes] of areas [..., 3, classes]; NaN for a class without a labelled pixel.

    A class absent from the labels has no IoU, even if it was predicted: those pixels already count as errors of the
    classes that they belong to. A data set that knows only some classes (CamVid: 11) is therefore scored on these.
    """
    intersection, predicted, labelled = np.moveaxis(areas.astype(np.float64), -2, 0)
    union = predicted + labelled - intersection
    iou = np.full(union.shape, np.nan)
    np.divide(intersection, union, out=iou, where=labelled > 0)
    return iou


def mean_iou(areas: Areas) -> float:
    """Returns the mean of `iou_per_class` over the classes present in the labels; NaN if there are none.

    Args:
        areas: of a set of frames together, [3, classes].
    """
    iou = iou_per_class(areas)
    present = iou[~np.isnan(iou)]
    return float(present.mean()) if len(present) else float("nan")


def learning_curve(areas: Areas) -> Floats:
    """Returns the mIoU of the first frame, of the first two, and so on, [frames]; NaN before a pixel is labelled.

    Of frames that are predicted before they are learned from, this is the prequential score over all frames since the
    beginning of the visit.

    Args:
        areas: of the frames, in the order in which they were predicted, [frames, 3, classes].
    """
    sums = np.cumsum(areas.astype(np.float64), axis=0)
    return np.where(sums[:, 2].sum(axis=1) > 0, mean_iou_by_set(sums), np.nan)


def adaptation_speed(areas: Areas, first: int) -> float:
    """Returns the normalized area under the `learning_curve` of the first frames of a visit; NaN if none is labelled.

    As the learning curve area of Chaudhry et al. 2019 (arXiv 1812.00420), it is the mean of a score over the first
    steps of a task, here of the prequential mIoU of the first t frames over t = 1 to `first`.

    Args:
        areas: of the frames of a visit, in the order in which they were predicted, [frames, 3, classes].
        first: number of frames that count, at most those of the visit.
    """
    curve = learning_curve(areas[:first])
    known = curve[~np.isnan(curve)]
    return float(known.mean()) if len(known) else float("nan")


def mean_iou_by_set(areas: Areas | Floats) -> Floats:
    """Returns the mIoU [sets] of several sets of frames at once; 0 for a set without a labelled pixel.

    Args:
        areas: [sets, 3, classes]; sums over the frames of each set, weighted or not.
    """
    iou = iou_per_class(areas)
    labelled = (~np.isnan(iou)).sum(axis=1)
    return np.asarray(np.nansum(iou, axis=1) / np.maximum(labelled, 1), dtype=np.float64)
