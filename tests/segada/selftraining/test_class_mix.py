"""Tests of class-mix against its formula."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from segada.data.batch import Batch
from segada.selftraining.class_mix import DRAWS, chosen_classes, paste_mask, pasted_onto, unmixed
from segada.selftraining.pseudo_labels import PseudoLabels

pytestmark = pytest.mark.rounding


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


@pytest.mark.parametrize(
    ("present", "ratio", "count"),
    [
        ([0, 1, 2], 0.5, 2),  # An odd number is rounded up to even: (3 + 1) / 2.
        ([0, 1, 255], 0.5, 2),  # 255 counts as a class.
        ([0, 1, 2, 3], 0.5, 2),
        ([0, 1, 2], 1.0, 3),  # (3 + 1) * 1, but there are only three.
        ([0, 1, 2, 3, 4], 0.3, 1),  # int(6 * 0.3)
        ([7], 0.5, 1),
        ([7], 0.0, 0),
    ],
)
def test_how_many_classes_are_drawn_by_hand(present: list[int], ratio: float, count: int) -> None:
    labels = torch.tensor(present).reshape(1, 1, -1)
    assert len(chosen_classes(labels, ratio, torch.Generator().manual_seed(0))) == count


def test_ignored_pixels_are_chosen_as_often_as_a_class() -> None:
    labels = torch.tensor([[[3, 255]]])
    generator = torch.Generator().manual_seed(0)
    ignored = sum(chosen_classes(labels, 0.5, generator).tolist() == [255] for _ in range(2000))
    # Binomial(2000, 1/2), as above.
    assert abs(ignored - 1000) < 6 * 22.4


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


def test_what_is_pasted_is_the_source_s_and_weighs_one() -> None:
    generator = torch.Generator().manual_seed(0)
    target, source = torch.rand(2, 1, 3, 2, 4, generator=generator)
    labels = torch.tensor([[[1, 2, 255, 1], [2, 2, 1, 1]]])
    pseudo_labels = PseudoLabels(torch.full((1, 2, 4), 9), torch.full((1, 2, 4), 0.25), torch.tensor(0.25))
    mixed = pasted_onto(target, pseudo_labels, Batch(source, labels), paste_mask(labels, torch.tensor([1, 255])))
    for row in range(2):
        for column in range(4):
            pasted = int(labels[0, row, column]) in {1, 255}
            image = source if pasted else target
            assert torch.equal(mixed.images[0, :, row, column], image[0, :, row, column])
            assert mixed.labels[0, row, column] == (labels[0, row, column] if pasted else 9)
            assert mixed.weight[0, row, column] == (1.0 if pasted else 0.25)
            assert mixed.pasted[0, row, column] == pasted


def test_unmixed_frames_are_the_target_s() -> None:
    target = torch.rand(2, 3, 2, 4, generator=torch.Generator().manual_seed(0))
    pseudo_labels = PseudoLabels(torch.full((2, 2, 4), 9), torch.full((2, 2, 4), 0.25), torch.tensor(0.25))
    mixed = unmixed(target, pseudo_labels)
    assert torch.equal(mixed.images, target)
    assert torch.equal(mixed.labels, pseudo_labels.labels)
    assert torch.equal(mixed.weight, pseudo_labels.weight)
    assert not mixed.pasted.any()


@pytest.mark.parametrize(("draw", "differ"), [("once", False), ("per_frame", True), ("own", True)])
def test_frames_of_a_batch_share_a_draw_or_have_their_own(draw: str, differ: bool) -> None:
    labels = torch.arange(6).reshape(1, 2, 3).repeat(8, 1, 1)
    pasted = DRAWS[draw](labels, 0.5, torch.Generator().manual_seed(0))
    assert pasted.flatten(1).sum(dim=1).tolist() == [3] * 8
    assert (len(pasted.flatten(1).unique(dim=0)) > 1) == differ


def test_classes_of_other_frames_count_unless_a_frame_draws_from_its_own() -> None:
    labels = torch.tensor([[[0, 0]], [[1, 2]]])
    for draw, least in (("per_frame", 0), ("own", 2)):
        shares = [DRAWS[draw](labels, 0.5, torch.Generator().manual_seed(seed))[0].sum() for seed in range(50)]
        # Its only class is one of three in the batch, of which (3 + 1) / 2 are drawn; of one, (1 + 1) / 2.
        assert min(shares) == least
        assert max(shares) == 2


@pytest.mark.parametrize("draw", DRAWS)
def test_draws_are_the_same_for_a_single_frame(draw: str) -> None:
    labels = torch.arange(6).reshape(1, 2, 3)
    masks = [DRAWS[name](labels, 0.5, torch.Generator().manual_seed(3)) for name in (draw, "once")]
    assert torch.equal(*masks)
