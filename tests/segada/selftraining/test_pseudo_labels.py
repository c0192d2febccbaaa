"""Tests of pseudo-labels against the plain softmax."""

import pytest
import torch

from segada.selftraining.pseudo_labels import ground_truth, pseudo_labels

pytestmark = pytest.mark.rounding


def test_labels_and_share_are_those_of_the_plain_softmax() -> None:
    logits = 4 * torch.randn(3, 19, 8, 16, generator=torch.Generator().manual_seed(1))
    found = pseudo_labels(logits, 0.9, 0.0, 0.0)
    confidence, labels = logits.softmax(dim=1).max(dim=1)
    assert torch.equal(found.labels, labels)
    assert 0 < found.sure_share < 1
    torch.testing.assert_close(found.sure_share, (confidence >= 0.9).float().mean())
    assert torch.equal(found.weight, found.sure_share.expand(3, 8, 16))


def test_ignored_rows_weigh_nothing_and_change_nothing_else() -> None:
    logits = torch.randn(2, 19, 20, 4, generator=torch.Generator().manual_seed(2))
    found = pseudo_labels(logits, 0.0, 0.1, 0.25)
    assert found.sure_share == 1
    assert found.weight[:, :2].sum() == 0
    assert found.weight[:, 15:].sum() == 0
    assert (found.weight[:, 2:15] == 1).all()


def test_the_weight_is_one_share_of_the_whole_batch() -> None:
    """The greater probabilities of two frames of two pixels are 0.99, 0.97 | 0.9, 0.5."""
    probabilities = torch.tensor([[[0.99, 0.97]], [[0.9, 0.5]]], dtype=torch.float64)
    logits = torch.stack([probabilities.log(), (1 - probabilities).log()], dim=1)
    assert pseudo_labels(logits, 0.968, 0.0, 0.0).weight.tolist() == [[[0.5, 0.5]], [[0.5, 0.5]]]
    assert pseudo_labels(logits, 0.89, 0.0, 0.0).weight.tolist() == [[[0.75, 0.75]], [[0.75, 0.75]]]


def test_ground_truth_weighs_one_everywhere_whatever_the_labels_numbers() -> None:
    """Guards against an old fault: labels were taken for confidences, the weight was the share of labels >= 0.968."""
    logits = torch.randn(2, 19, 10, 4, generator=torch.Generator().manual_seed(2))
    labels = torch.zeros(2, 10, 4, dtype=torch.int64)
    labels[:, 5:] = 255
    believed = pseudo_labels(logits, 0.9, 0.2, 0.2)
    found = ground_truth(believed, labels)
    assert torch.equal(found.labels, labels)
    assert torch.equal(found.weight, torch.ones(2, 10, 4))
    assert torch.equal(found.sure_share, believed.sure_share)
