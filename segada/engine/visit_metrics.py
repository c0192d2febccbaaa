"""Metrics of the adaptation steps of a visit, before evaluation."""

import math
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from segada.data.batch import Batch
from segada.evaluation.evaluator import OnlineScore


class VisitMetrics:
    """Accumulates the steps of a visit. Properties are those of `VisitRecord`.

    Attributes:
        frames: Number of frames passed over so far.
    """

    def __init__(self, classes: int) -> None:
        """Begins a visit of a network with so many classes."""
        self.frames = 0
        self._online = OnlineScore(classes)
        self._label_free: list[Mapping[str, Tensor]] = []
        self._logs: list[Mapping[str, float]] = []
        self._rates: list[Mapping[str, float]] = []

    def score(self, logits: Tensor, batch: Batch, label_free: Mapping[str, Tensor]) -> None:
        """Adds predictions [B, K, h, w] made before the batch was learned from, and their label-free scores [B]."""
        self._online.add(logits, batch.labels)
        self._label_free.append(label_free)

    def add(self, frames: int, log: Mapping[str, float], rates: Mapping[str, float]) -> None:
        """Adds a step: its log and its learning rates."""
        self.frames += frames
        self._logs.append(log)
        self._rates.append(rates)

    @property
    def online_miou(self) -> float | None:
        """Prequential mIoU; None if no labelled pixel was scored."""
        miou = self._online.scores().miou
        return None if math.isnan(miou) else miou

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


def _means(logs: list[Mapping[str, float]]) -> dict[str, float]:
    names = dict.fromkeys(name for log in logs for name in log)
    return {name: float(np.mean([log[name] for log in logs if name in log])) for name in names}
