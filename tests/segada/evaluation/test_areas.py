"""Tests of areas and IoU against manual counts and torchmetrics."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_jaccard_index

from segada.evaluation.areas import frame_areas
from segada.metrics import iou_per_class, mean_iou


def random_maps(seed: int, count: int, classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns predictions and labels of the first classes, with ignored pixels."""
    generator = torch.Generator().manual_seed(seed)
    predictions = torch.randint(0, classes, (count, 9, 7), generator=generator)
    labels = torch.randint(0, classes, (count, 9, 7), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.2] = 255
    return predictions, labels


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.integers(1, 4), st.integers(1, 19))
def test_areas_are_what_counting_says(seed: int, count: int, classes: int) -> None:
    predictions, labels = random_maps(seed, count, classes)

    areas = frame_areas(predictions, labels, 19)

    assert areas.dtype == torch.int64
    assert areas.shape == (count, 3, 19)
    for frame in range(count):
        counted = labels[frame] != 255
        for index in range(19):
            predicted, labelled = (predictions[frame] == index) & counted, labels[frame] == index
            assert areas[frame, :, index].tolist() == [
                (predicted & labelled).sum(), predicted.sum(), labelled.sum()
            ]  # fmt: skip


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 999), st.integers(1, 4))
def test_iou_over_several_frames_equals_torchmetrics(seed: int, count: int) -> None:
    predictions, labels = random_maps(seed, count, 19)

    iou = iou_per_class(frame_areas(predictions, labels, 19).sum(0).numpy())

    expected = multiclass_jaccard_index(predictions, labels, 19, average=None, ignore_index=255)
    present = [index for index in range(19) if (labels == index).any()]
    np.testing.assert_allclose(iou[present], expected[present], rtol=1e-6)


def test_integer_types_do_not_matter() -> None:
    predictions, labels = random_maps(0, 3, 19)

    areas = frame_areas(predictions.to(torch.uint8), labels.to(torch.uint8), 19)

    assert areas.equal(frame_areas(predictions, labels, 19))


def test_a_class_that_the_labels_never_show_has_no_iou_but_its_pixels_are_missed_elsewhere() -> None:
    labels = torch.tensor([[[0, 0, 0, 0], [2, 2, 255, 255]]])
    predictions = torch.tensor([[[0, 0, 5, 5], [2, 0, 5, 2]]])

    areas = frame_areas(predictions, labels, 19).sum(0).numpy()

    # Road: 2 of the 4 + 1 pixels; building: 1 of 2. Pole is predicted, yet labelled nowhere; 16 others are in neither.
    assert iou_per_class(areas)[[0, 2]] == pytest.approx([2 / 5, 1 / 2])
    assert np.isnan(np.delete(iou_per_class(areas), [0, 2])).all()
    assert mean_iou(areas) == pytest.approx((2 / 5 + 1 / 2) / 2)


def test_a_class_that_is_labelled_and_never_predicted_counts_as_zero() -> None:
    areas = frame_areas(torch.tensor([[[0, 0]]]), torch.tensor([[[0, 3]]]), 19).sum(0).numpy()

    assert iou_per_class(areas)[3] == 0.0
    assert mean_iou(areas) == pytest.approx(0.25)


def test_without_a_labelled_pixel_the_mean_is_undefined_and_nothing_warns() -> None:
    areas = frame_areas(torch.zeros(1, 2, 2, dtype=torch.int64), torch.full((1, 2, 2), 255), 19).sum(0).numpy()

    assert not areas.any()
    assert np.isnan(mean_iou(areas))
