"""Tests of the feature distance against its formula, and at two points where a plain implementation fails."""

import pytest
import torch

from segada.data.labels import NAMES
from segada.selftraining.feature_distance import class_mask, feature_distance, majority_labels
from segada.settings.class_sets import CITYSCAPES


def test_distance_is_the_mean_norm_over_kept_cells() -> None:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(2, 7, 2, 3, generator=generator)
    static = torch.randn(2, 7, 2, 3, generator=generator)
    norms = (student - static).norm(dim=1)
    mask = torch.tensor([[[1, 0, 1], [0, 0, 0]], [[0, 1, 1], [1, 0, 0]]], dtype=torch.bool)
    torch.testing.assert_close(feature_distance(student, static), norms.mean())
    torch.testing.assert_close(feature_distance(student, static, mask), norms[mask].mean())


def test_equal_features_and_empty_masks_give_zero_and_finite_gradients() -> None:
    static = torch.randn(1, 4, 2, 2)
    for mask in (None, torch.zeros(1, 2, 2, dtype=torch.bool)):
        student = static.clone().requires_grad_()
        distance = feature_distance(student, static, mask)
        distance.backward()  # type: ignore[no-untyped-call]
        assert distance < 1e-15
        assert student.grad is not None
        assert student.grad.isfinite().all()


def test_a_cell_takes_the_label_that_most_of_its_pixels_have() -> None:
    labels = torch.zeros(1, 4, 12, dtype=torch.int64)
    labels[0, :, :4] = 13
    labels[0, 0, 4:8] = 13
    labels[0, 0, 0] = 255
    labels[0, 1:, 8:] = 255
    assert majority_labels(labels, (1, 3), 0.75, 19).tolist() == [[[13, 0, 255]]]
    assert majority_labels(labels, (1, 3), 0.76, 19).tolist() == [[[13, 255, 255]]]
    assert majority_labels(labels, (1, 3), 0.95, 19).tolist() == [[[255, 255, 255]]]


@pytest.mark.parametrize("majority", [0.0, 0.5, 0.75, 1.0])
def test_scaled_down_labels_are_those_of_a_plain_count(majority: float) -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.tensor([0, 11, 13, 255])[torch.randint(0, 4, (2, 8, 12), generator=generator)]
    labels[:, :, :4] = labels[:, :1, :1]
    found = majority_labels(labels, (2, 3), majority, 19)
    for frame in range(2):
        for row in range(2):
            for column in range(3):
                cell = labels[frame, 4 * row : 4 * row + 4, 4 * column : 4 * column + 4].flatten().tolist()
                most = max((0, 11, 13, 255), key=cell.count)
                wanted = most if cell.count(most) >= 16 * majority else 255
                assert found[frame, row, column] == wanted


def test_the_mask_keeps_cells_of_the_classes_alone() -> None:
    cells = torch.tensor([[[0, 11, 255], [13, 18, 11]]])
    assert class_mask(cells, [11, 13]).tolist() == [[[False, True, False], [True, False, True]]]


def test_the_distance_on_things_is_that_of_the_cells_that_show_one() -> None:
    generator = torch.Generator().manual_seed(0)
    student = torch.randn(1, 5, 2, 2, generator=generator)
    static = torch.randn(1, 5, 2, 2, generator=generator)
    labels = torch.zeros(1, 8, 8, dtype=torch.int64)
    labels[0, :4, :4] = 13
    labels[0, 4:, 4:] = 11
    labels[0, 4, 4:] = 0
    difference = student - static
    by_hand = (difference[0, :, 0, 0].square().sum().sqrt() + difference[0, :, 1, 1].square().sum().sqrt()) / 2
    mask = class_mask(majority_labels(labels, (2, 2), 0.75, 19), [NAMES.index(name) for name in CITYSCAPES.things])
    torch.testing.assert_close(feature_distance(student, static, mask), by_hand)
