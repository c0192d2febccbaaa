"""Tables of IoU per class in the course of a visit."""

import csv
import io
from collections.abc import Sequence

import numpy as np

from segada.artifacts.run_dir import RunDir
from segada.evaluation.evaluator import score
from segada.loggers.base import SeenStep, Watcher
from segada.metrics import Areas, iou_per_class, mean_iou


class ClassTables(Watcher):
    """Writes a table after every `every` frames of a visit, over all its frames so far."""

    def __init__(self, folder: RunDir, every: int, names: Sequence[str]) -> None:
        self._folder = folder
        self._every = every
        self._names = names
        self._areas: Areas = np.zeros((3, len(names)), np.int64)

    def needs_prediction(self, first: int, count: int) -> bool:  # noqa: ARG002 - every frame counts
        """Returns True: a table covers all frames."""
        return True

    def see(self, seen: SeenStep) -> None:
        """Counts the step's frames one by one, since a table may be due between two of them."""
        assert seen.logits is not None
        if seen.first == 0:
            self._areas = np.zeros_like(self._areas)
        for passed, areas in enumerate(score(seen.logits, seen.batch.labels), start=seen.first + 1):
            self._areas = self._areas + areas
            # A table without a labelled pixel would have no figure.
            if passed % self._every == 0 and self._areas[2].any():
                self._folder.write_table(f"iou_{seen.visit}_{passed:06d}", class_table(self._areas, self._names))


def class_table(areas: Areas, names: Sequence[str]) -> str:
    """Returns CSV with a row per class and a last row with the means of the scores and the sums of the pixels.

    Columns: IoU; accuracy, the share of a class's labelled pixels that are predicted correctly; labelled and predicted
        pixels. A class without a labelled pixel has neither IoU nor accuracy.

    Args:
        areas: int64 [3, K], summed over frames.
        names: Names of the K classes.
    """
    intersection, predicted, labelled = areas
    iou = iou_per_class(areas)
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(("class", "iou", "accuracy", "labelled", "predicted"))
    accuracies = []
    for index, name in enumerate(names):
        if labelled[index]:
            accuracies.append(intersection[index] / labelled[index])
        scores = (f"{iou[index]:.4f}", f"{accuracies[-1]:.4f}") if labelled[index] else ("", "")
        table.writerow((name, *scores, labelled[index], predicted[index]))
    means = (f"{mean_iou(areas):.4f}", f"{np.mean(accuracies):.4f}") if accuracies else ("", "")
    table.writerow(("mean", *means, labelled.sum(), predicted.sum()))
    return text.getvalue()
