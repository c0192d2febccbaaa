"""Enlargement against the library's interpolation."""

import pytest
import torch
from torch.nn import functional

from segada.models.resize import enlarged


@pytest.mark.parametrize(
    ("small", "large"), [((16, 32), (64, 128)), ((2, 4), (16, 32)), ((15, 20), (60, 80)), ((3, 5), (7, 11))]
)
def test_values_and_gradients_are_those_of_interpolation(small: tuple[int, int], large: tuple[int, int]) -> None:
    generator = torch.Generator().manual_seed(0)
    maps = torch.randn(2, 3, *small, generator=generator, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(2, 3, *large, generator=generator, dtype=torch.float64)
    found = enlarged(maps, large)
    wanted = functional.interpolate(maps, size=large, mode="bilinear", align_corners=False)
    torch.testing.assert_close(found, wanted, rtol=1e-12, atol=1e-12)
    (gradient,) = torch.autograd.grad((found * weight).sum(), maps)
    (expected,) = torch.autograd.grad((wanted * weight).sum(), maps)
    torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-12)


def test_the_same_size_is_left_alone() -> None:
    maps = torch.randn(1, 2, 4, 4)
    assert enlarged(maps, (4, 4)) is maps


def test_weights_first_made_in_inference_mode_serve_training_later() -> None:
    with torch.inference_mode():
        enlarged(torch.randn(1, 1, 9, 9), (18, 18))
    maps = torch.randn(1, 1, 9, 9, requires_grad=True)
    enlarged(maps, (18, 18)).sum().backward()
    assert maps.grad is not None
    torch.testing.assert_close(maps.grad.sum(), torch.tensor(18.0 * 18.0))
