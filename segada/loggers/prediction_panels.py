"""Panels of the evaluated network's predictions for a frame before it learns from it."""

import math

import numpy as np
import torch
from torch import Tensor

from segada.artifacts.run_dir import RunDir
from segada.evaluation.evaluator import Scores, predicted_classes, score
from segada.loggers.base import SeenStep, Watcher, due
from segada.loggers.canvas import Panel, draw, labels_in
from segada.loggers.colors import UNSURE, label_map, mistakes, numbers, photograph
from segada.models.resize import enlarged
from segada.settings.class_sets import ClassSet


class PredictionPanels(Watcher):
    """Draws one frame at regular intervals."""

    def __init__(self, folder: RunDir, every: int, classes: ClassSet) -> None:
        self._folder = folder
        self._every = every
        self._classes = classes

    def needs_prediction(self, first: int, count: int) -> bool:
        """Returns True if a frame of the step is due."""
        return len(due(first, count, self._every)) > 0

    def see(self, seen: SeenStep) -> None:
        """Draws a panel for each frame that is due."""
        for frame in due(seen.first, len(seen.step.frames), self._every):
            assert seen.logits is not None
            kept = slice(frame - seen.first, frame - seen.first + 1)
            images, labels = seen.batch.images[kept], seen.batch.labels[kept]
            place = f"visit {seen.visit} ({seen.domain}), frame {frame}"
            panel = prediction_panel(images, labels, seen.logits[kept], place, self._classes)
            self._folder.write_panel(f"prediction_{seen.visit}_{frame:06d}", draw(panel))


def prediction_panel(images: Tensor, labels: Tensor, logits: Tensor, place: str, classes: ClassSet) -> Panel:
    """Returns six pictures of one frame; without the two that show labels if it has none.

    Args:
        images: [1, 3, H, W] in [0, 1].
        labels: int64 [1, H, W].
        logits: [1, K, h, w].
        place: Position in the stream, for the title.
        classes: Classes of the labels.
    """
    with torch.no_grad():
        log_probability = enlarged(logits, labels.shape[-2:]).log_softmax(dim=1)[0]
    probability = log_probability.exp()
    entropy = -(probability * log_probability).sum(dim=0) / (math.log(len(probability)) or 1.0)
    truth, found = labels[0].byte().cpu().numpy(), predicted_classes(logits, labels.shape[-2:])[0].cpu().numpy()
    upper = [photograph("image", images[0]), label_map("prediction", found, classes)]
    lower = [
        numbers("confidence", probability.amax(dim=0)),
        numbers("entropy, as a share of the greatest", entropy.clamp(0, 1), UNSURE),
    ]
    miou = Scores(score(logits, labels)).miou
    if np.isnan(miou):
        title = f"prediction  ·  {place}  ·  no labelled pixel"
        return Panel(title, (upper, lower), truth.shape, labels_in(found), classes)
    upper.insert(1, label_map("ground truth", truth, classes))
    lower.insert(0, mistakes("mistakes (red)", images[0], found, truth))
    title = f"prediction  ·  {place}  ·  mIoU of the frame {100 * miou:.1f} %"
    return Panel(title, (upper, lower), truth.shape, labels_in(truth, found), classes)
