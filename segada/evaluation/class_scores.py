"""Segmentation metrics from the areas of classes, with mmsegmentation's names."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from segada.metrics import Areas, iou_per_class, mean_iou

PerClass = npt.NDArray[np.float64]
"""Values per class [K]; NaN for a class without a labelled pixel."""


@dataclass(frozen=True, slots=True)
class ClassScores:
    """Metrics of a set of frames as fractions, without ignored pixels; NaN where no pixel is labelled.

    Attributes:
        iou: Intersection over union of each class.
        accuracy: Share of each class's labelled pixels that are predicted correctly.
        share: Share of each class among the labelled pixels; NaN for none.
        miou: Mean of `iou` over the classes present in the labels.
        miou_mmseg: Mean IoU as mmsegmentation computes it: a class that is predicted but absent from the labels counts
            as 0. Equal to `miou` on data that show all classes.
        macc: Mean of `accuracy`.
        aacc: Share of all labelled pixels that are predicted correctly.
        fwiou: Mean of `iou`, weighted by `share`.
        fwacc: Mean of `accuracy`, weighted by `share`; by definition equal to `aacc`.
    """

    iou: PerClass
    accuracy: PerClass
    share: PerClass
    miou: float
    miou_mmseg: float
    macc: float
    aacc: float
    fwiou: float
    fwacc: float


def class_scores(areas: Areas) -> ClassScores:
    """Computes the metrics of a set of frames from their summed areas [3, K]."""
    intersection, predicted, labelled = areas.astype(np.float64)
    iou = iou_per_class(areas)
    accuracy = _divided(intersection, labelled)
    share = _divided(labelled, np.where(labelled > 0, labelled.sum(), 0.0))
    return ClassScores(
        iou=iou,
        accuracy=accuracy,
        share=share,
        miou=mean_iou(areas),
        miou_mmseg=_mean(_divided(intersection, predicted + labelled - intersection)),
        macc=_mean(accuracy),
        aacc=float(_divided(intersection.sum(keepdims=True), labelled.sum(keepdims=True))[0]),
        fwiou=_weighted(iou, share),
        fwacc=_weighted(accuracy, share),
    )


def _divided(parts: PerClass, wholes: PerClass) -> PerClass:
    quotients = np.full(parts.shape, np.nan)
    np.divide(parts, wholes, out=quotients, where=wholes > 0)
    return quotients


def _mean(values: PerClass) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")


def _weighted(values: PerClass, share: PerClass) -> float:
    present = ~np.isnan(share)
    return float((values * share)[present].sum()) if present.any() else float("nan")
