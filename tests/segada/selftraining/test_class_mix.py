"""Class-mix against its formula."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segada.selftraining.class_mix import chosen_classes, paste_mask


@given(st.sets(st.sampled_from([*range(19), 255]), min_size=1), st.floats(0.0, 1.0), st.integers(0, 99))
def test_as_many_classes_as_the_formula_says_are_drawn_from_those_present(
    present: set[int], ratio: float, seed: int
) -> None:
    labels = torch.tensor(sorted(present)).repeat(3).reshape(1, 1, -1)
    chosen = chosen_classes(labels, ratio, torch.Generator().manual_seed(seed))
    n = len(present)
    assert len(chosen) == min(int((n + n % 2) * ratio), n)
    assert set(chosen.tolist()) <= present
    assert len(set(chosen.tolist())) == len(chosen)


def test_every_class_is_chosen_equally_often() -> None:
    labels = torch.arange(4).reshape(1, 2, 2)
    generator = torch.Generator().manual_seed(0)
    counts = torch.zeros(4)
    for _ in range(2000):
        counts[chosen_classes(labels, 0.5, generator)] += 1
    # Binomial(2000, 1/2) has a standard deviation of 22.4: six of them fail once in 10^8 runs per class.
    assert (counts - 1000).abs().max() < 6 * 22.4


@pytest.mark.parametrize("classes", [[], [255], [3, 7]])
def test_mask_marks_exactly_the_chosen_classes(classes: list[int]) -> None:
    labels = torch.tensor([[[3, 7], [255, 0]]])
    mask = paste_mask(labels, torch.tensor(classes, dtype=torch.int64))
    assert mask.tolist() == [[[value in classes for value in row] for row in labels[0].tolist()]]
