"""Tests of the pixel cross-entropies against explicit sums."""

import math

import pytest
import torch

from segada.selftraining.losses import class_weights, pixel_cross_entropy, soft_cross_entropy

pytestmark = pytest.mark.rounding


def _by_hand(logits: torch.Tensor, labels: torch.Tensor, weight: torch.Tensor) -> float:
    total = 0.0
    for frame in range(labels.shape[0]):
        for row in range(labels.shape[1]):
            for column in range(labels.shape[2]):
                label = int(labels[frame, row, column])
                if label != 255:
                    values = logits[frame, :, row, column].tolist()
                    log_partition = math.log(sum(math.exp(value) for value in values))
                    total += float(weight[frame, row, column]) * (log_partition - values[label])
    return total / labels.numel()


def test_mean_is_over_all_pixels_ignored_ones_included() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 5, 3, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 5, (2, 3, 4), generator=generator)
    labels[0, 0] = 255
    weight = torch.rand(2, 3, 4, generator=generator, dtype=torch.float64)
    assert math.isclose(float(pixel_cross_entropy(logits, labels)), _by_hand(logits, labels, torch.ones(2, 3, 4)))
    assert math.isclose(float(pixel_cross_entropy(logits, labels, weight)), _by_hand(logits, labels, weight))


def test_classes_are_weighted_by_name_without_renormalization() -> None:
    generator = torch.Generator().manual_seed(4)
    logits = torch.randn(2, 3, 3, 4, generator=generator, dtype=torch.float64)
    labels = torch.randint(0, 3, (2, 3, 4), generator=generator)
    labels[1, 2] = 255
    by_class = class_weights({"glass": 4.0, "film": 0.0}, ("film", "metal", "glass"), torch.device("cpu"))
    assert by_class is not None
    of_pixel = torch.tensor([0.0, 1.0, 4.0])[labels.clamp(max=2)]
    weight = torch.rand(2, 3, 4, generator=generator, dtype=torch.float64)
    for given, both in ((None, of_pixel), (weight, of_pixel * weight)):
        loss = pixel_cross_entropy(logits, labels, given, by_class.double())
        assert math.isclose(float(loss), _by_hand(logits, labels, both))
    assert class_weights({}, ("film",), torch.device("cpu")) is None


def test_a_batch_of_ignored_pixels_costs_nothing() -> None:
    logits = torch.randn(1, 5, 2, 2, requires_grad=True)
    loss = pixel_cross_entropy(logits, torch.full((1, 2, 2), 255))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss == 0
    assert logits.grad is not None
    assert (logits.grad == 0).all()


def test_soft_cross_entropy_weighs_every_class_by_its_probability() -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(2, 5, 3, 4, generator=generator, dtype=torch.float64)
    pseudo_labels = torch.randn(2, 5, 3, 4, generator=generator, dtype=torch.float64).softmax(dim=1)
    wanted = 0.0
    for label in range(5):
        labels = torch.full((2, 3, 4), label)
        wanted += _by_hand(logits, labels, pseudo_labels[:, label])
    assert math.isclose(float(soft_cross_entropy(logits, pseudo_labels)), wanted)
