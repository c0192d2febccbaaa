"""Counts of labels that a step learns from, or of its predictions, against ground truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segada.data.labels import IGNORE
from segada.metrics import Areas, iou_per_class, mean_iou

PSEUDO_LABELS: Final = "pseudo_labels"
"""Counts of the pseudo-labels of target frames."""
TRAINING: Final = "training"
"""Counts of the predictions of the labelled frames that a supervised step learns from, before it."""


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """Counts of the pixels of one or several steps.

    Attributes:
        areas: int64 [3, K], of the pixels that count, see `segada.metrics.Areas`.
        labelled: Number of pixels that have ground truth, whether they count or not.
    """

    areas: Areas
    labelled: int

    def __add__(self, other: "LabelCounts") -> "LabelCounts":
        """Returns the counts of both."""
        return LabelCounts(self.areas + other.areas, self.labelled + other.labelled)

    def quality(self) -> dict[str, float]:
        """Returns `coverage`, the share of labelled pixels that count, and `accuracy` and `miou` of those that do.

        Nothing is returned without labelled pixels, and the coverage alone if none of them counts.
        """
        if not self.labelled:
            return {}
        intersection, _, truth = self.areas.sum(axis=1).tolist()
        coverage = {"coverage": truth / self.labelled}
        return coverage | ({"accuracy": intersection / truth, "miou": mean_iou(self.areas)} if truth else {})

    def by_class(self, names: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
        """Returns IoU and accuracy, the share of a class's labelled pixels that are right, by name of the class.

        Classes without a labelled pixel are absent.
        """
        areas = self.areas
        iou, shown = iou_per_class(areas), areas[2] > 0
        known = [(place, name) for place, name in enumerate(names) if shown[place]]
        ious = {name: float(iou[place]) for place, name in known}
        return ious, {name: float(areas[0, place] / areas[2, place]) for place, name in known}


Counts = Mapping[str, LabelCounts]
"""Counts of a step by what is counted: `PSEUDO_LABELS` or `TRAINING`."""


def label_counts(labels: Tensor, counted: Tensor | None, truth: Tensor, classes: int) -> LabelCounts | None:
    """Counts labels against ground truth.

    It is done in numpy: operations of torch would count the truth, which a step does not need, as memory of the step.

    Args:
        labels: integers [B, h, w], 0 to K - 1, of any resolution: each pixel of the truth has that of its cell.
        counted: bool [B, h, w], pixels that count; None for all.
        truth: integers [B, H, W], 0 to K - 1 or 255 (ignored).
        classes: number of classes K.

    Returns:
        The counts; None if no pixel has ground truth.
    """
    real = _numbers(truth)
    known = real != IGNORE
    labelled = int(known.sum())
    if not labelled:
        return None
    seen = known if counted is None else known & _at(_numbers(counted), real.shape).astype(bool)
    cells = real[seen].astype(np.int64) * classes + _at(_numbers(labels), real.shape)[seen]
    confusion = np.bincount(cells, minlength=classes * classes).reshape(classes, classes)
    areas = np.stack([confusion.diagonal(), confusion.sum(axis=0), confusion.sum(axis=1)])
    return LabelCounts(areas.astype(np.int64), labelled)


def _numbers(values: Tensor) -> npt.NDArray[Any]:
    """Returns values of at most 255 as an array, which on a CPU shares their memory."""
    array: npt.NDArray[Any] = np.from_dlpack(values if values.device.type == "cpu" else values.to(torch.uint8).cpu())
    return array


def _at(values: npt.NDArray[Any], shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """Returns values [B, h, w] at another resolution [B, H, W]; each pixel has the value of its cell."""
    if values.shape == shape:
        return values
    rows, columns = (np.arange(new) * old // new for new, old in zip(shape[1:], values.shape[1:], strict=True))
    return values[:, rows[:, None], columns]
