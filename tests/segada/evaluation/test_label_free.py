"""Label-free scores against the formulas."""

import math

import pytest
import torch

from segada.evaluation.label_free import LabelFree


def test_entropy_and_confidence_are_means_over_all_frames() -> None:
    logits = torch.randn(5, 7, 3, 4, generator=torch.Generator().manual_seed(0))
    scores = LabelFree()
    scores.add(logits[:4])
    scores.add(logits[4:])
    probability = logits.double().softmax(dim=1)
    entropy = float(-(probability * probability.log()).sum(dim=1).mean()) / math.log(7)
    assert scores.values() == {
        "entropy": pytest.approx(entropy),
        "confidence": pytest.approx(float(probability.max(dim=1).values.mean())),
    }


def test_a_network_that_knows_nothing_and_one_that_is_certain() -> None:
    ignorant, certain = LabelFree(), LabelFree()
    ignorant.add(torch.zeros(1, 19, 2, 2))
    certain.add(torch.zeros(1, 19, 2, 2).index_fill(1, torch.tensor([3]), 100.0))
    assert ignorant.values() == {"entropy": pytest.approx(1.0), "confidence": pytest.approx(1 / 19)}
    assert certain.values() == {"entropy": pytest.approx(0.0, abs=1e-6), "confidence": pytest.approx(1.0)}


def test_without_frames_there_is_nothing_to_say() -> None:
    assert LabelFree().values() == {}
