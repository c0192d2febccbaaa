"""Panels of frames of which the source model's prediction is shown beside the adapted network's, after a visit."""

from collections.abc import Callable, Mapping

import numpy as np
import torch
from torch import Tensor

from segada.artifacts.run_dir import RunDir
from segada.core.spreadsheet import csv_of
from segada.data.batch import Batch
from segada.data.frames import Bytes
from segada.data.labels import IGNORE
from segada.evaluation.evaluator import Scores, predicted_classes, score
from segada.loggers.canvas import Panel, draw, labels_in
from segada.loggers.colors import Picture, changes, label_map, photograph
from segada.records import Disagreement
from segada.settings.class_sets import ClassSet

Predict = Callable[[Tensor], Tensor]
"""Function from images [B, 3, H, W] to logits [B, K, h, w]."""


class DisagreementPanels:
    """Draws frames of each visit once it is over, and writes a table with the share of changed pixels."""

    def __init__(self, folder: RunDir, classes: ClassSet, source: Predict) -> None:
        """Stores where and what is drawn.

        Args:
            folder: Folder of the run.
            classes: Classes of the labels.
            source: The source model.
        """
        self._folder = folder
        self._classes = classes
        self._source = source

    def draw(self, visit: int, domain: str, frames: Mapping[int, Batch], adapted: Predict) -> None:
        """Draws frames, each predicted on its own by both networks.

        Args:
            visit: Number of the visit.
            domain: Domain of the visit.
            frames: Batches of one frame, by the number of the frame in its domain.
            adapted: The evaluated network after the visit.
        """
        rows = []
        for number, one in frames.items():
            with torch.inference_mode():
                before, after = self._source(one.images), adapted(one.images)
            row = disagreement(one, before, after, visit, domain, number)
            panel = disagreement_panel(one, before, after, row, self._classes)
            self._folder.write_panel(f"disagreement_{visit}_{number:06d}", draw(panel))
            rows.append(row.model_dump())
        self._folder.write_table(f"disagreement_{visit}", csv_of(rows))


def disagreement(one: Batch, before: Tensor, after: Tensor, visit: int, domain: str, number: int) -> Disagreement:
    """Returns how far two predictions of a frame differ, and their mIoU if it has labels."""
    size = one.labels.shape[-2:]
    changed = (predicted_classes(before, size) != predicted_classes(after, size)).float().mean()
    is_labelled = bool((one.labels != IGNORE).any())
    return Disagreement(
        visit=visit,
        domain=domain,
        frame=number,
        changed=float(changed),
        source_miou=Scores(score(before, one.labels)).miou if is_labelled else None,
        adapted_miou=Scores(score(after, one.labels)).miou if is_labelled else None,
    )


def disagreement_panel(one: Batch, before: Tensor, after: Tensor, row: Disagreement, classes: ClassSet) -> Panel:
    """Returns the pictures of one frame: image, both predictions and their differences; the labels, if it has any.

    Args:
        one: Batch of one frame.
        before: Logits of the source model, [1, K, h, w].
        after: Logits of the adapted network, [1, K, h, w].
        row: Differences of the two.
        classes: Classes of the labels.
    """
    truth: Bytes = one.labels[0].byte().cpu().numpy()
    source, adapted = (predicted_classes(logits, one.labels.shape[-2:])[0].cpu().numpy() for logits in (before, after))
    is_labelled = row.source_miou is not None
    key = "blue: now right, red: now wrong, yellow: neither" if is_labelled else "red"
    changed = changes(f"changed ({key})", one.images[0], source, adapted, truth)
    upper: list[Picture] = [photograph("image", one.images[0])]
    upper.append(label_map("ground truth", truth, classes) if is_labelled else changed)
    lower = [
        label_map(f"source model{_scored(row.source_miou)}", source, classes),
        label_map(f"after the visit{_scored(row.adapted_miou)}", adapted, classes),
        *([changed] if is_labelled else []),
    ]
    place = f"visit {row.visit} ({row.domain}), frame {row.frame}"
    title = f"{place}  ·  {100 * row.changed:.1f} % of the pixels change"
    found = labels_in(source, adapted, *([truth] if is_labelled else []))
    return Panel(title, (upper, lower), (truth.shape[0], truth.shape[1]), found, classes)


def _scored(miou: float | None) -> str:
    return "" if miou is None or np.isnan(miou) else f", mIoU {100 * miou:.1f} %"
