"""Tests of the discriminator's shapes, of the reversal, and of the domain loss against torch's own."""

import pytest
import torch
from torch.nn import functional

from segada.selftraining.discriminator import Discriminator, domain_accuracy, domain_loss, reversed_gradient


def _generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize(("granularity", "shape"), [("image", (2, 1, 1, 1)), ("patch", (2, 1, 7, 9))])
def test_a_logit_for_each_frame_or_each_cell(granularity: str, shape: tuple[int, ...]) -> None:
    discriminator = Discriminator(6, 8, granularity, _generator())
    assert discriminator(torch.randn(2, 6, 7, 9, generator=_generator())).shape == shape


def test_an_image_is_judged_by_its_mean_alone() -> None:
    discriminator = Discriminator(6, 8, "image", _generator())
    maps = torch.randn(1, 6, 7, 9, generator=_generator())
    flat = maps.mean(dim=(2, 3), keepdim=True).expand_as(maps)
    torch.testing.assert_close(discriminator(maps), discriminator(flat))


def test_a_patch_is_judged_by_the_five_by_five_cells_around_it() -> None:
    discriminator = Discriminator(6, 8, "patch", _generator())
    maps = torch.randn(1, 6, 9, 9, generator=_generator())
    other = torch.where(torch.arange(9) < 3, maps, maps + 1.0)
    moved = (discriminator(maps) != discriminator(other))[0, 0]
    assert not moved[:, 0].any()
    assert moved[:, 1:].all()


def test_initialization_draws_from_the_generator_alone() -> None:
    torch.manual_seed(0)
    first = Discriminator(6, 8, "patch", _generator())
    torch.manual_seed(1)
    second = Discriminator(6, 8, "patch", _generator())
    for one, other in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(one, other)


def test_reversal_changes_no_number_and_turns_the_gradient() -> None:
    features = torch.randn(3, 4, generator=_generator(), requires_grad=True)
    same = reversed_gradient(features, 0.3)
    assert torch.equal(same, features)
    (gradient,) = torch.autograd.grad((same**2).sum(), features)
    torch.testing.assert_close(gradient, -0.3 * 2 * features)
    assert not reversed_gradient(features.detach(), 0.3).requires_grad


def test_domain_loss_is_binary_cross_entropy_with_source_0_and_target_1() -> None:
    source, target = torch.randn(2, 4, 1, 2, 3, generator=_generator(), dtype=torch.float64)
    logits, labels = torch.cat([source, target]), torch.cat([torch.zeros_like(source), torch.ones_like(target)])
    wanted = functional.binary_cross_entropy_with_logits(logits, labels)
    torch.testing.assert_close(domain_loss(source, target), wanted)
    right = ((logits > 0) == labels.bool()).float().mean()
    torch.testing.assert_close(domain_accuracy(source, target), right)
