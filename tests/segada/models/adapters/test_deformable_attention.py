"""Deformable attention against a plain loop, mmcv's reference and transformers' layer, gradients included."""

import importlib
import sys
import types
from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from unittest.mock import MagicMock

import pytest
import torch
from torch import Tensor
from transformers import DeformableDetrConfig
from transformers.models.deformable_detr.modeling_deformable_detr import (
    DeformableDetrMultiscaleDeformableAttention,
    MultiScaleDeformableAttention,
)

from segada.models.adapters import deformable_attention
from segada.models.adapters.deformable_attention import DeformableAttention, look_at_points, look_with_mmcv

SHAPES = [(5, 7), (3, 4), (1, 2)]
SIZE = sum(height * width for height, width in SHAPES)
BATCH, QUERIES, HEADS, POINTS, CHANNELS = 2, 6, 3, 4, 5
Look = Callable[[Tensor, list[tuple[int, int]], Tensor, Tensor], Tensor]


def random(*shape: int, seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def inputs() -> tuple[Tensor, Tensor, Tensor]:
    """Values, places of which some are outside, weights."""
    values = random(BATCH, SIZE, HEADS, CHANNELS, seed=0)
    places = 0.5 + 0.4 * random(BATCH, QUERIES, HEADS, len(SHAPES), POINTS, 2, seed=1)
    weights = random(BATCH, QUERIES, HEADS, len(SHAPES) * POINTS, seed=2).softmax(-1)
    return values, places, weights.view(BATCH, QUERIES, HEADS, len(SHAPES), POINTS)


def with_gradients(look: Look) -> list[Tensor]:
    """What is seen, and the gradients of its product with a fixed tensor."""
    variables = [variable.requires_grad_() for variable in inputs()]
    seen = look(variables[0], SHAPES, variables[1], variables[2])
    return [seen, *torch.autograd.grad((seen * random(*seen.shape, seed=3)).sum(), variables)]


@pytest.fixture(scope="module")
def mmcv_reference() -> Iterator[Callable[..., Tensor]]:
    """mmcv's own pure function; its package imports only if it finds compiled parts, so it is given empty ones."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "mmcv._ext", MagicMock())
        yield importlib.import_module("mmcv.ops.multi_scale_deform_attn").multi_scale_deformable_attn_pytorch
    for name in [name for name in sys.modules if name.startswith("mmcv.ops")]:
        del sys.modules[name]


def plain(values: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """The formula, one number after the other: pixel centres lie at half-integers, and a map is zero outside."""
    seen = torch.zeros(BATCH, QUERIES, HEADS, CHANNELS, dtype=torch.float64)
    starts = [0, 35, 47]
    for index in torch.cartesian_prod(*(torch.arange(size) for size in weights.shape)).tolist():
        image, query, head, level, _ = index
        (height, width), start = SHAPES[level], starts[level]
        x, y = (places[tuple(index)] * torch.tensor([width, height]) - 0.5).tolist()
        for row in range(height):
            for column in range(width):
                share = max(0.0, 1 - abs(row - y)) * max(0.0, 1 - abs(column - x))
                pixel = values[image, start + row * width + column, head]
                seen[image, query, head] += weights[tuple(index)] * share * pixel
    return seen.flatten(2)


def test_points_are_bilinear_and_weighted() -> None:
    values, places, weights = inputs()
    torch.testing.assert_close(look_at_points(values, SHAPES, places, weights), plain(values, places, weights))


def test_it_equals_the_reference_of_mmcv(mmcv_reference: Callable[..., Tensor]) -> None:
    expected = with_gradients(
        lambda values, shapes, places, weights: mmcv_reference(values, torch.tensor(shapes), places, weights)
    )
    for one, other in zip(with_gradients(look_at_points), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_it_equals_transformers() -> None:
    theirs = MultiScaleDeformableAttention()
    expected = with_gradients(
        lambda values, shapes, places, weights: theirs(
            values, torch.tensor(shapes), shapes, torch.tensor([0, 35, 47]), places, weights, 64
        )
    )
    for one, other in zip(with_gradients(look_at_points), expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


def test_the_whole_layer_equals_that_of_transformers_under_the_same_names() -> None:
    theirs = DeformableDetrMultiscaleDeformableAttention(
        DeformableDetrConfig(d_model=16, num_feature_levels=3, disable_custom_kernels=True), 2, POINTS
    ).double()
    ours = DeformableAttention(16, 2, 3, POINTS, torch.Generator()).double()
    state = {name: random(*value.shape, seed=index) for index, (name, value) in enumerate(ours.state_dict().items())}
    ours.load_state_dict(state)
    theirs.load_state_dict(state)

    height, width = 4, 6
    tokens, memory = random(BATCH, height, width, 16, seed=4), random(BATCH, SIZE, 16, seed=5)
    reference = torch.tensor(
        [((column + 0.5) / width, (row + 0.5) / height) for row in range(height) for column in range(width)],
        dtype=torch.float64,
    )
    expected = theirs(
        tokens.flatten(1, 2),
        encoder_hidden_states=memory,
        reference_points=reference[None, :, None].expand(BATCH, -1, 3, -1),
        spatial_shapes=torch.tensor(SHAPES),
        spatial_shapes_list=SHAPES,
        level_start_index=torch.tensor([0, 35, 47]),
    )[0]
    actual = ours(tokens, memory, SHAPES)
    torch.testing.assert_close(actual.flatten(1, 2), expected, rtol=1e-10, atol=1e-10)

    chosen = random(*expected.shape, seed=6)
    gradients = torch.autograd.grad((actual.flatten(1, 2) * chosen).sum(), list(ours.parameters()))
    names = dict(ours.named_parameters())
    other = torch.autograd.grad((expected * chosen).sum(), [theirs.get_parameter(name) for name in names])
    for one, two in zip(gradients, other, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-9, atol=1e-9)


def test_at_first_heads_look_farther_and_farther_in_directions_of_their_own() -> None:
    layer = DeformableAttention(8, 4, 2, 3, torch.Generator().manual_seed(0))
    offsets = layer.sampling_offsets.bias.view(4, 2, 3, 2)
    right, down = torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0])
    for level in range(2):
        for point in range(3):
            for head, direction in enumerate((right, down, -right, -down)):
                torch.testing.assert_close(offsets[head, level, point], (point + 1) * direction)
    assert not layer.sampling_offsets.weight.any()
    assert not layer.attention_weights.weight.any()
    assert layer.value_proj.weight.any()
    assert layer.output_proj.weight.any()


def test_it_is_as_large_as_the_diary_counted() -> None:
    layer = DeformableAttention(320, 5, 3, 4, torch.Generator())
    assert sum(parameter.numel() for parameter in layer.parameters()) == 263_220
    assert {name for name, _ in layer.named_children()} == {
        "sampling_offsets",
        "attention_weights",
        "value_proj",
        "output_proj",
    }


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match=r"6 heads .* must divide its width of 320"):
        DeformableAttention(320, 6, 3, 4, torch.Generator())


def test_the_kernel_of_mmcv_is_given_what_it_expects(
    monkeypatch: pytest.MonkeyPatch, mmcv_reference: Callable[..., Tensor]
) -> None:
    class Kernel:
        """As the compiled function: it reads the maps from where they start, and some images at a time."""

        @staticmethod
        def apply(
            values: Tensor, shapes: Tensor, starts: Tensor, places: Tensor, weights: Tensor, images: int
        ) -> Tensor:
            assert starts.tolist() == [0, 35, 47]
            assert len(values) % images == 0
            assert all(tensor.is_contiguous() for tensor in (values, places, weights))
            return mmcv_reference(values, shapes, places, weights)

    stand_in = types.ModuleType("mmcv.ops.multi_scale_deform_attn")
    stand_in.MultiScaleDeformableAttnFunction = Kernel  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    values, places, weights = inputs()
    expected = look_at_points(values, SHAPES, places, weights)
    torch.testing.assert_close(look_with_mmcv(values, SHAPES, places, weights), expected)


@pytest.mark.parametrize("full", [False, True])
def test_a_full_mmcv_is_told_from_a_light_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full: bool) -> None:
    (tmp_path / "mmcv").mkdir()
    (tmp_path / "mmcv" / "__init__.py").touch()
    if full:
        (tmp_path / "mmcv" / f"_ext{EXTENSION_SUFFIXES[0]}").touch()
    monkeypatch.delitem(sys.modules, "mmcv", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    assert deformable_attention._has_mmcv_kernel() == full
    assert "mmcv" not in sys.modules
