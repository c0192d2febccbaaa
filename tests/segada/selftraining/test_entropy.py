"""Tests of the entropy against torch's categorical distribution."""

import math

import pytest
import torch
from torch.distributions import Categorical

from segada.selftraining.entropy import mean_entropy


def test_it_is_the_mean_entropy_of_the_pixels() -> None:
    logits = torch.randn((2, 5, 3, 4), generator=torch.Generator().manual_seed(0))
    wanted = Categorical(logits=logits.movedim(1, -1)).entropy().mean()
    torch.testing.assert_close(mean_entropy(logits), wanted)


def test_it_is_greatest_where_nothing_is_known_and_finite_where_all_is() -> None:
    assert mean_entropy(torch.zeros(1, 7, 2, 2)).item() == pytest.approx(math.log(7))
    sure = torch.zeros(1, 7, 2, 2)
    sure[:, 3] = 1e4
    assert mean_entropy(sure).item() == 0.0
