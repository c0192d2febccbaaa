"""The feature distance against its formula, and at the two places where a plain one breaks."""

import torch

from segada.selftraining.feature_distance import class_mask, feature_distance


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


def test_a_cell_counts_if_a_wanted_class_has_the_majority() -> None:
    labels = torch.zeros(1, 4, 8, dtype=torch.int64)
    labels[0, :, :4] = 13
    labels[0, 0, 4:] = 13
    labels[0, 0, 0] = 255
    assert class_mask(labels, (1, 2), [13], 0.75).tolist() == [[[True, False]]]
    assert class_mask(labels, (1, 2), [13], 0.95).tolist() == [[[False, False]]]
    assert class_mask(labels, (1, 2), [0], 0.75).tolist() == [[[False, True]]]
