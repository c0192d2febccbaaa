"""Tests of windows: they cover every pixel, and do not change a pointwise network's output."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import interpolate

from segada.evaluation.sliding import Slid, Slide, window_starts

pytestmark = pytest.mark.rounding

sides = st.integers(1, 40)


def pointwise(images: Tensor) -> Tensor:
    """Returns logits of each pixel from its own color."""
    return torch.einsum("kc,bchw->bkhw", torch.arange(15, dtype=images.dtype).view(5, 3), images.square())


@settings(max_examples=200, deadline=None)
@given(sides, sides, st.data())
def test_windows_cover_a_side_exactly_and_none_leaves_it(length: int, crop: int, data: st.DataObject) -> None:
    crop = min(crop, length)
    stride = data.draw(st.integers(1, crop))

    starts = window_starts(length, crop, stride)

    counts = np.zeros(length, int)
    for start in starts:
        assert 0 <= start <= length - crop
        counts[start : start + crop] += 1
    assert counts.min() >= 1
    # mmsegmentation's grid: as many windows as reach the end, the last moved back onto it.
    grid = max(length - crop + stride - 1, 0) // stride + 1
    assert starts == [min(index * stride, length - crop) for index in range(grid)]


@settings(max_examples=60, deadline=None)
@given(sides, sides, sides, sides, st.data())
def test_a_pointwise_network_says_through_windows_what_it_says_of_the_whole(
    height: int, width: int, tall: int, wide: int, data: st.DataObject
) -> None:
    stride = (data.draw(st.integers(1, tall)), data.draw(st.integers(1, wide)))
    images = torch.rand(2, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    found = Slid(pointwise, Slide((tall, wide), stride))(images)

    torch.testing.assert_close(found, pointwise(images), rtol=1e-12, atol=1e-12)


def test_overlapping_windows_are_averaged_as_logits_of_the_image_s_size() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(1, 3, 8, 12, generator=generator, dtype=torch.float64)

    def coarse(windows: Tensor) -> Tensor:
        """Returns logits that depend on the whole window, at half the resolution."""
        return pointwise(windows[..., ::2, ::2]) + windows.mean(dim=(2, 3), keepdim=True).sum(dim=1, keepdim=True)

    found = Slid(coarse, Slide((8, 8), (8, 4)))(images)

    left, right = (
        interpolate(coarse(part), size=(8, 8), mode="bilinear") for part in (images[..., :8], images[..., 4:])
    )
    expected = torch.cat([left[..., :4], (left[..., 4:] + right[..., :4]) / 2, right[..., 4:]], dim=-1)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("crop", [(8, 12), (100, 100)])
def test_an_image_that_fits_into_a_window_is_seen_whole(crop: tuple[int, int]) -> None:
    seen = []

    def network(images: Tensor) -> Tensor:
        seen.append(images.shape)
        return images[..., ::4, ::4]

    logits = Slid(network, Slide(crop, (1, 1)))(torch.rand(1, 3, 8, 12))

    assert seen == [(1, 3, 8, 12)]
    assert logits.shape == (1, 3, 2, 3)
