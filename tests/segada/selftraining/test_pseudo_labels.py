"""Pseudo-labels against the plain softmax."""

import torch

from segada.selftraining.pseudo_labels import pseudo_labels


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
