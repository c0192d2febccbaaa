"""Enlargement against torch's interpolation."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from segada.models import resize
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


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 30), st.integers(1, 30), st.sampled_from([1, 50, 400]))
def test_strips_are_the_enlarged_map_row_by_row(small: int, narrow: int, height: int, width: int, strip: int) -> None:
    maps = torch.randn(2, 3, small, narrow, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(resize, "STRIP", strip)
        strips = list(resize.enlarged_strips(maps, (height, width)))

    torch.testing.assert_close(torch.cat(strips, dim=2), enlarged(maps, (height, width)))
    assert all(part.numel() <= max(strip, 6 * width) or len(strips) == 1 for part in strips)
