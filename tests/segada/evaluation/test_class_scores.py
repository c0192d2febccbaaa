"""Tests of scores of random label maps against torchmetrics and mmsegmentation's definition."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchmetrics.functional.classification import multiclass_accuracy, multiclass_jaccard_index

from segada.evaluation.areas import frame_areas
from segada.evaluation.class_scores import ClassScores, class_scores

seeds = st.integers(0, 9999)
some = st.sets(st.integers(0, 18), min_size=1).map(sorted)


def maps(seed: int, predictable: list[int], labelled: list[int]) -> tuple[Tensor, Tensor]:
    """Returns predictions and labels of three frames: classes out of two sets, a fifth of the pixels ignored."""
    generator = torch.Generator().manual_seed(seed)
    predictions, labels = (
        torch.tensor(classes)[torch.randint(len(classes), (3, 9, 7), generator=generator)]
        for classes in (predictable, labelled)
    )
    agree = torch.rand(labels.shape, generator=generator) < 0.3
    predictions[agree] = labels[agree]
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    return predictions, labels


def scores_of(predictions: Tensor, labels: Tensor) -> ClassScores:
    return class_scores(frame_areas(predictions, labels, 19).sum(0).numpy())


@settings(max_examples=60, deadline=None)
@given(seeds, some, some)
def test_scores_are_those_of_mmsegmentation(seed: int, predictable: list[int], labelled: list[int]) -> None:
    predictions, labels = maps(seed, predictable, labelled)

    found = scores_of(predictions, labels)

    # IoUMetric: ignored pixels are taken out, areas are histograms summed over all frames, means leave out NaN.
    kept = labels != 255
    said, true = predictions[kept], labels[kept]
    intersection, predicted, label = (np.bincount(each, minlength=19) for each in (said[said == true], said, true))
    with np.errstate(invalid="ignore"):
        iou = intersection / (predicted + label - intersection)
        accuracy = intersection / label
    assert found.miou_mmseg == pytest.approx(np.nanmean(iou))
    assert found.macc == pytest.approx(np.nanmean(accuracy))
    assert found.aacc == pytest.approx(intersection.sum() / label.sum())
    np.testing.assert_allclose(found.accuracy, accuracy)
    # Long et al. 2015: frequency weighted IU; and accuracy in the same way, which is that of all pixels.
    seen = label > 0
    frequency = label[seen] / label.sum()
    assert found.fwiou == pytest.approx((frequency * iou[seen]).sum())
    assert found.fwacc == pytest.approx((frequency * accuracy[seen]).sum()) == found.aacc
    # Ours: only classes that a label shows have an IoU.
    np.testing.assert_allclose(found.iou, np.where(seen, iou, np.nan))
    assert found.miou == pytest.approx(iou[seen].mean())
    np.testing.assert_allclose(found.share[seen], frequency)


@settings(max_examples=40, deadline=None)
@given(seeds, some, some)
def test_scores_are_those_of_torchmetrics(seed: int, predictable: list[int], labelled: list[int]) -> None:
    predictions, labels = maps(seed, predictable, labelled)

    found = scores_of(predictions, labels)

    iou = multiclass_jaccard_index(predictions, labels, 19, average=None, ignore_index=255).numpy()
    accuracy = multiclass_accuracy(predictions, labels, 19, average=None, ignore_index=255).numpy()
    seen = np.isin(np.arange(19), labels)
    np.testing.assert_allclose(found.iou[seen], iou[seen], rtol=1e-5)
    np.testing.assert_allclose(found.accuracy[seen], accuracy[seen], rtol=1e-5)
    assert found.miou == pytest.approx(iou[seen].mean(), rel=1e-5)
    # Both of torchmetrics' means leave out classes in neither map, and count those that are predicted alone as 0.
    macro = multiclass_jaccard_index(predictions, labels, 19, average="macro", ignore_index=255)
    assert found.miou_mmseg == pytest.approx(float(macro), rel=1e-5)
    micro = multiclass_accuracy(predictions, labels, 19, average="micro", ignore_index=255)
    assert found.aacc == pytest.approx(float(micro), rel=1e-5)
    weighted = multiclass_jaccard_index(predictions, labels, 19, average="weighted", ignore_index=255)
    assert found.fwiou == pytest.approx(float(weighted), rel=1e-5)


def test_the_two_means_differ_by_classes_that_are_predicted_and_nowhere_labelled() -> None:
    labels = torch.tensor([[[0, 0, 0, 0], [2, 2, 255, 255]]])
    predictions = torch.tensor([[[0, 0, 5, 5], [2, 0, 5, 2]]])

    found = scores_of(predictions, labels)

    assert found.miou == pytest.approx((2 / 5 + 1 / 2) / 2)
    assert found.miou_mmseg == pytest.approx((2 / 5 + 1 / 2 + 0) / 3)
    assert found.macc == pytest.approx((2 / 4 + 1 / 2) / 2)
    assert (found.aacc, found.fwacc) == pytest.approx((3 / 6, 3 / 6))
    assert found.fwiou == pytest.approx(4 / 6 * 2 / 5 + 2 / 6 * 1 / 2)


def test_without_a_labelled_pixel_nothing_has_a_score_and_nothing_warns() -> None:
    found = scores_of(torch.zeros(1, 2, 2, dtype=torch.int64), torch.full((1, 2, 2), 255))

    means = (found.miou, found.miou_mmseg, found.macc, found.aacc, found.fwiou, found.fwacc)
    assert np.isnan(means).all()
    assert np.isnan([found.iou, found.accuracy, found.share]).all()
