"""Tests of counts of labels against ground truth, by hand and by plain loops."""

import numpy as np
import pytest
import torch

from segada.data.labels import IGNORE
from segada.evaluation.label_counts import LabelCounts, label_counts
from segada.metrics import mean_iou


def _counts(labels: list[list[int]], truth: list[list[int]], sure: list[list[int]] | None = None) -> LabelCounts:
    counted = None if sure is None else torch.tensor([sure]).bool()
    found = label_counts(torch.tensor([labels]), counted, torch.tensor([truth]), 3)
    assert found is not None
    return found


def test_quality_by_hand() -> None:
    # Of six labelled pixels four are sure, of which three are right; the ignored pixel counts nowhere.
    found = _counts([[0, 1, 1, 2], [0, 0, 0, 1]], [[0, 1, 2, 2], [1, 0, IGNORE, IGNORE]], [[1, 1, 1, 0], [0, 1, 1, 0]])
    assert found.quality() == pytest.approx({"coverage": 4 / 6, "accuracy": 3 / 4, "miou": (2 / 2 + 1 / 2 + 0 / 1) / 3})


def test_counts_are_those_of_a_plain_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    labels, truth = (torch.randint(0, 3, (2, 6, 8), generator=generator) for _ in range(2))
    truth[torch.rand(truth.shape, generator=generator) < 0.2] = IGNORE
    sure = torch.rand(truth.shape, generator=generator) < 0.5
    found = label_counts(labels, sure, truth, 3)
    assert found is not None
    areas, labelled = np.zeros((3, 3), np.int64), 0
    for label, real, is_sure in zip(
        labels.flatten().tolist(), truth.flatten().tolist(), sure.flatten().tolist(), strict=True
    ):
        labelled += real != IGNORE
        if is_sure and real != IGNORE:
            areas[0, label] += label == real
            areas[1, label] += 1
            areas[2, real] += 1
    assert found.areas.tolist() == areas.tolist()
    assert int(found.labelled) == labelled
    assert found.quality() == pytest.approx(
        {"coverage": areas[2].sum() / labelled, "accuracy": areas[0].sum() / areas[2].sum(), "miou": mean_iou(areas)}
    )


def test_pixels_that_count_may_be_bytes_as_they_come_from_a_gpu() -> None:
    truth, sure = torch.tensor([[[0, 1, 2]]]), torch.tensor([[[True, False, True]]])
    counts = [label_counts(truth, some, truth, 3) for some in (sure, sure.to(torch.uint8))]
    assert counts[0] is not None
    assert counts[1] is not None
    assert counts[0].areas.tolist() == counts[1].areas.tolist() == [[1, 0, 1]] * 3


def test_steps_are_summed_and_scored_by_class() -> None:
    both = _counts([[0, 0]], [[0, 1]]) + _counts([[1, 1]], [[1, 1]])
    assert int(both.labelled) == 4
    iou, accuracy = both.by_class(("road", "car", "sky"))
    assert iou == pytest.approx({"road": 1 / 2, "car": 2 / 3})
    assert accuracy == pytest.approx({"road": 1.0, "car": 2 / 3})


def test_labels_of_cells_are_those_of_their_pixels() -> None:
    cells, sure = torch.tensor([[[0, 1]]]), torch.tensor([[[True, False]]])
    truth = torch.tensor([[[0, 0, 1, 1], [0, 1, 1, IGNORE]]])
    found = label_counts(cells, sure, truth, 2)
    assert found is not None
    assert found.quality() == pytest.approx({"coverage": 4 / 7, "accuracy": 3 / 4, "miou": (3 / 4 + 0) / 2})


def test_without_labels_there_is_nothing_and_without_sure_pixels_no_accuracy() -> None:
    assert label_counts(torch.zeros(1, 2, 2), None, torch.full((1, 2, 2), IGNORE), 3) is None
    assert _counts([[0, 1]], [[0, 1]], [[0, 0]]).quality() == {"coverage": 0.0}
