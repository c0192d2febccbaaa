"""Predicts frames and counts areas of correct and labelled pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from segada.data.datasets.domain_frames import LabelledFrame
from segada.data.frames import Bytes
from segada.evaluation.areas import frame_areas
from segada.evaluation.ensembling import Prediction, predict
from segada.evaluation.sliding import Network
from segada.evaluation.tta import View
from segada.metrics import Areas


@dataclass(frozen=True, slots=True)
class FramePrediction:
    """Areas and prediction of one frame.

    Attributes:
        areas: int64 [3, K], see `segada.metrics.Areas`.
        prediction: Prediction at the size of the labels.
    """

    areas: Areas
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class Predictor:
    """Predicts frames with an ensemble of networks; has no side effects.

    Attributes:
        networks: Functions from images [B, 3, H, W] in [0, 1] to logits.
        views: Views of each frame that every network predicts.
        device: Device of the networks.
        classes: Number of classes.
        soft: True to return probabilities.
    """

    networks: Sequence[Network]
    views: Sequence[View]
    device: torch.device
    classes: int
    soft: bool = False

    def __call__(self, frames: Sequence[LabelledFrame]) -> list[FramePrediction]:
        """Predicts frames whose images have one size; the sizes of their labels may differ.

        Args:
            frames: Frames, at least one.
        """
        with torch.inference_mode():
            pixels = torch.from_numpy(np.stack([frame.image for frame in frames])).to(self.device)
            images = pixels.permute(0, 3, 1, 2).to(torch.float32, memory_format=torch.contiguous_format).div_(255)
            sizes = [(frame.labels.shape[0], frame.labels.shape[1]) for frame in frames]
            predictions = predict(self.networks, images, sizes, self.views, self.soft)
            return [
                FramePrediction(self._areas(prediction, frame.labels), prediction)
                for frame, prediction in zip(frames, predictions, strict=True)
            ]

    def _areas(self, prediction: Prediction, labels: Bytes) -> Areas:
        # A copy, since a data set may return memory that must not be written to.
        truth = torch.from_numpy(labels.copy()).to(self.device)
        areas: Areas = frame_areas(prediction.classes[None], truth[None], self.classes)[0].cpu().numpy()
        return areas
