"""Metrics of the adaptation steps of a visit, before evaluation."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from segada.data.batch import Batch
from segada.data.frame_schedule import Step
from segada.evaluation.evaluator import OnlineScore
from segada.evaluation.label_counts import PSEUDO_LABELS, TRAINING, Counts, LabelCounts
from segada.metrics import Areas, adaptation_speed


class VisitMetrics:
    """Accumulates the steps of a visit. Properties are those of `VisitRecord`.

    Attributes:
        frames: Number of frames passed over so far.
    """

    def __init__(self, classes: Sequence[str], speed_frames: int) -> None:
        """Begins a visit of a network with these classes, of which so many frames count in `adaptation_speed`."""
        self._classes = classes
        self.frames = 0
        self._first = speed_frames
        self._online = OnlineScore(len(classes))
        self._frames: list[npt.NDArray[np.int64]] = []
        self._label_free: list[Mapping[str, Tensor]] = []
        self._counts: dict[str, LabelCounts] = {}
        self._logs: list[Mapping[str, float]] = []
        self._rates: list[Mapping[str, float]] = []

    def score(self, logits: Tensor, batch: Batch, step: Step, label_free: Mapping[str, Tensor]) -> None:
        """Adds predictions [B, K, h, w] made before the batch was learned from, and their label-free scores [B]."""
        self._online.add(logits, batch.labels)
        self._frames.append(step.frames)
        self._label_free.append(label_free)

    def add(self, frames: int, log: Mapping[str, float], rates: Mapping[str, float], counts: Counts) -> None:
        """Adds a step: its log, its learning rates, and its counts against ground truth."""
        for name, one in counts.items():
            self._counts[name] = self._counts[name] + one if name in self._counts else one
        self.frames += frames
        self._logs.append(log)
        self._rates.append(rates)

    @property
    def online_miou(self) -> float | None:
        """Prequential mIoU; None if no labelled pixel was scored."""
        return _number(self._online.scores().miou)

    @property
    def online_areas(self) -> Areas:
        """Areas of the frames predicted before they were learned from, in the order of the stream."""
        return self._online.scores().areas

    @property
    def online_frames(self) -> npt.NDArray[np.int64]:
        """Numbers of these frames in their domain."""
        return np.concatenate([np.zeros(0, np.int64), *self._frames])

    @property
    def adaptation_speed(self) -> float | None:
        """Area under the curve of the first frames' prequential mIoU; None if no labelled pixel was scored."""
        return _number(adaptation_speed(self.online_areas, self._first))

    @property
    def facts(self) -> dict[str, Any]:
        """Fields of `VisitRecord` about the steps of the visit, but for `label_free`."""
        training = self._counts.get(TRAINING)
        iou, accuracy = ({}, {}) if training is None else training.by_class(self._classes)
        return {
            "frames": self.frames,
            "online_miou": self.online_miou,
            "adaptation_speed": self.adaptation_speed,
            "speed_frames": min(self._first, len(self.online_frames)),
            "pseudo_labels": self._counts[PSEUDO_LABELS].quality() if PSEUDO_LABELS in self._counts else {},
            "training_iou": iou,
            "training_accuracy": accuracy,
            "losses": self.losses,
            "learning_rates": self.learning_rates,
        }

    @property
    def label_free(self) -> dict[str, float]:
        """Means over frames of the label-free scores; empty if nothing was scored."""
        names = self._label_free[0] if self._label_free else ()
        return {name: float(torch.cat([scores[name] for scores in self._label_free]).mean()) for name in names}

    @property
    def losses(self) -> dict[str, float]:
        """Mean of each logged quantity over the steps that reported it; steps that do not train report none."""
        return _means(self._logs)

    @property
    def learning_rates(self) -> dict[str, float]:
        """Mean learning rates over the steps that learned."""
        return _means(self._rates)


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _means(logs: list[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for log in logs for name in log)
    return {name: float(np.mean([log[name] for log in logs if name in log])) for name in names}
