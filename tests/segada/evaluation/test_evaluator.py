"""Tests of scores of a network against a plain computation."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import interpolate, one_hot

from segada.data.frames import Frames
from segada.data.labels import NAMES
from segada.evaluation.areas import frame_areas
from segada.evaluation.evaluator import OnlineScore, evaluate, predicted_classes

pytestmark = pytest.mark.rounding


def random_frames(count: int) -> Frames:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 19, (count, 8, 16), dtype=np.uint8)
    labels[:, 0] = 255
    frames = Frames(generator.integers(0, 256, (count, 8, 16, 3), dtype=np.uint8), labels)
    frames.images.setflags(write=False)
    frames.labels.setflags(write=False)
    return frames


def coarse_logits(images: Tensor) -> Tensor:
    """Returns logits from fixed random weights on every fourth pixel, in double precision to avoid ties by rounding."""
    weights = torch.randn(19, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    return torch.einsum("kc,bchw->bkhw", weights, images[:, :, ::4, ::4].double())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 9), st.integers(1, 19), st.integers(1, 9), st.integers(0, 99))
def test_predicted_classes_are_those_of_interpolation(batch: int, classes: int, height: int, seed: int) -> None:
    logits = torch.randn(batch, classes, height, 5, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    size = torch.Size((4 * height, 20))

    predicted = predicted_classes(logits, size)

    assert predicted.shape == (batch, *size)
    assert predicted.equal(interpolate(logits, size=size, mode="bilinear").argmax(1).to(predicted.dtype))


def test_of_equal_logits_the_first_class_wins() -> None:
    logits = torch.tensor([0.0, 2.0, 2.0, 1.0])[None, :, None, None].expand(1, 4, 2, 2)

    assert predicted_classes(logits, torch.Size((8, 8))).unique().tolist() == [1]


def test_scores_are_those_of_the_plain_computation_whatever_the_batch_size() -> None:
    frames = random_frames(7)

    scores = [evaluate(coarse_logits, frames, size) for size in (1, 3, 7, 20)]

    images = torch.tensor(frames.images).permute(0, 3, 1, 2) / 255
    predictions = interpolate(coarse_logits(images), size=(8, 16), mode="bilinear").argmax(1)
    expected = frame_areas(predictions, torch.tensor(frames.labels), 19).numpy()
    for score in scores:
        np.testing.assert_array_equal(score.areas, expected)
    assert scores[0].areas.shape == (7, 3, 19)
    assert scores[0].miou == pytest.approx(np.mean(list(scores[0].iou_by_class(NAMES).values())))


def test_a_perfect_prediction_scores_one_on_the_classes_that_occur() -> None:
    labels = torch.tensor([[[10, 10, 255, 255], [0, 0, 13, 13]]]).repeat(2, 1, 1)
    logits = one_hot(labels.clamp(max=18), 19).permute(0, 3, 1, 2).float()
    online = OnlineScore(19)

    online.add(logits, labels)

    assert online.scores().iou_by_class(NAMES) == {"road": 1.0, "sky": 1.0, "car": 1.0}
    assert online.scores().miou == 1.0


def test_online_score_adds_up_to_the_score_of_all_frames_and_touches_no_gradient() -> None:
    frames = random_frames(6)
    images = torch.tensor(frames.images).permute(0, 3, 1, 2) / 255
    labels = torch.tensor(frames.labels).long()
    online = OnlineScore(19)

    for start in (0, 2, 4):
        logits = coarse_logits(images[start : start + 2]).requires_grad_()
        online.add(logits, labels[start : start + 2])
        assert logits.grad is None

    np.testing.assert_array_equal(online.scores().areas, evaluate(coarse_logits, frames, 6).areas)


def test_an_online_score_of_nothing_is_undefined() -> None:
    assert np.isnan(OnlineScore(19).scores().miou)
    assert OnlineScore(19).scores().iou_by_class(NAMES) == {}
