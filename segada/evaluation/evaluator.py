"""Evaluates a network on labelled frames."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from segada.data.feed import fed
from segada.data.frames import Frames
from segada.evaluation.areas import frame_areas
from segada.metrics import Areas, iou_per_class, mean_iou
from segada.models.resize import enlarged_strips

FRAMES_AT_ONCE = 4
"""Number of frames whose logits are enlarged together; small, to fit the processor's cache and save memory."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Areas of classes, frame by frame.

    Attributes:
        areas: int64 [N, 3, K], see `segada.metrics.Areas`.
    """

    areas: Areas

    @property
    def miou(self) -> float:
        """Mean IoU over the classes present in the labels; NaN if there are none."""
        return mean_iou(self.areas.sum(axis=0))

    def iou_by_class(self, names: Sequence[str]) -> dict[str, float]:
        """Returns the IoU by class name, without classes absent from the labels."""
        iou = iou_per_class(self.areas.sum(axis=0)).tolist()
        return {name: value for name, value in zip(names, iou, strict=True) if not np.isnan(value)}


def evaluate(
    predict: Callable[[Tensor], Tensor], frames: Frames, batch_size: int, device: torch.device | None = None
) -> Scores:
    """Evaluates a network on frames that it does not learn from.

    Args:
        predict: function from images [B, 3, H, W] to logits [B, K, h, w] of any resolution. The caller sets its mode.
        frames: images and labels.
        batch_size: frames per call of `predict`.
        device: device of `predict`; the CPU if not given.
    """
    indices = [np.arange(start, min(start + batch_size, len(frames))) for start in range(0, len(frames), batch_size)]
    with torch.inference_mode():
        batches = fed(frames, indices, device or torch.device("cpu"))
        areas = [score(predict(batch.images), batch.labels) for batch in batches]
    return Scores(np.concatenate(areas))


class OnlineScore:
    """Accumulates the mIoU of frames predicted before they are learned from (prequential).

    Args:
        classes: number of classes.
    """

    def __init__(self, classes: int) -> None:
        self._areas: list[Areas] = [np.zeros((0, 3, classes), np.int64)]

    def add(self, logits: Tensor, labels: Tensor) -> None:
        """Adds frames: logits [B, K, h, w], labels int64 [B, H, W]."""
        self._areas.append(score(logits, labels))

    def scores(self) -> Scores:
        """Returns the scores of all frames added so far."""
        return Scores(np.concatenate(self._areas))


def score(logits: Tensor, labels: Tensor) -> Areas:
    """Returns areas [B, 3, K] of the argmax of logits [B, K, h, w] enlarged to the labels' size [B, H, W]."""
    with torch.no_grad():
        areas: Areas = frame_areas(predicted_classes(logits, labels.shape[1:]), labels, logits.shape[1]).cpu().numpy()
    return areas


def predicted_classes(logits: Tensor, size: torch.Size) -> Tensor:
    """Enlarges logits [B, K, h, w] bilinearly to a size (H, W) and takes the argmax: uint8 [B, H, W], K <= 256.

    Equal to `interpolate(logits).argmax(1)`, but for values that differ by a rounding error, in a fifth of the time.
    """
    frames = torch.split(logits.detach(), FRAMES_AT_ONCE)
    return torch.cat([torch.cat([greatest(strip) for strip in enlarged_strips(few, size)], dim=1) for few in frames])


def greatest(values: Tensor) -> Tensor:
    """Returns `values.argmax(1)` of [B, K, H, W] as uint8; of equal values, the first."""
    # Comparing channel by channel is six times as fast as argmax(1) on a CPU, which strides over all channels per
    # pixel.
    highest = values[:, 0].clone()
    classes = torch.zeros_like(highest, dtype=torch.uint8)
    for index, channel in enumerate(values.unbind(1)[1:], start=1):
        # Indices rise, so their maximum is the last channel greater than all before it: ties go to the first.
        torch.maximum(classes, (channel > highest).view(torch.uint8) * index, out=classes)
        torch.maximum(highest, channel, out=highest)
    return classes
