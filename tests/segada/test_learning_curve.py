"""Tests of the learning curve and of the adaptation speed against plain sums."""

import numpy as np
import pytest

from segada.metrics import adaptation_speed, learning_curve, mean_iou


def _areas(*right: int) -> np.ndarray:
    """Returns areas of frames of one class with 10 labelled pixels, of which so many are right, no other predicted."""
    return np.array([[[some], [some], [10]] for some in right])


def test_the_curve_is_the_miou_of_the_frames_so_far() -> None:
    areas = np.random.default_rng(0).integers(0, 50, (12, 3, 5))
    areas[:, 1:] += areas[:, :1]
    areas[:5, :, 3] = 0
    assert learning_curve(areas).tolist() == pytest.approx([mean_iou(areas[:end].sum(axis=0)) for end in range(1, 13)])


def test_the_speed_is_the_mean_of_the_first_points_of_the_curve() -> None:
    areas = _areas(2, 6, 10, 10)
    assert adaptation_speed(areas, 3) == pytest.approx((0.2 + 0.4 + 0.6) / 3)
    assert adaptation_speed(areas, 1) == pytest.approx(0.2)
    assert adaptation_speed(areas, 9) == adaptation_speed(areas, 4) == pytest.approx((0.2 + 0.4 + 0.6 + 0.7) / 4)


def test_of_two_runs_that_end_alike_the_faster_one_is_faster() -> None:
    fast, slow = _areas(2, 10, 10, 10), _areas(10, 10, 10, 2)[::-1]
    late = _areas(2, 10, 10, 10)[::-1]
    assert adaptation_speed(slow, 4) == adaptation_speed(fast, 4)
    assert adaptation_speed(late, 4) > adaptation_speed(fast, 4)
    assert mean_iou(late.sum(axis=0)) == mean_iou(fast.sum(axis=0))


def test_frames_without_labels_at_the_beginning_do_not_count() -> None:
    blank = np.zeros((2, 3, 1), np.int64)
    assert np.isnan(learning_curve(np.concatenate([blank, _areas(5)]))[:2]).all()
    assert adaptation_speed(np.concatenate([blank, _areas(5)]), 3) == pytest.approx(0.5)
    assert np.isnan(adaptation_speed(blank, 2))
