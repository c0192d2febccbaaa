"""The light exit against its plain formula, and the main path against the SegFormer head."""

import copy

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from segada.models.build import build_segmentor
from segada.models.heads.multi_exit import MultiExitHead
from segada.models.heads.segformer import SegFormerHead
from segada.settings.adapter import NoAdapter
from segada.settings.model import ModelSettings

pytestmark = pytest.mark.rounding

CHANNELS = (3, 4, 5, 6)


def random_head(seed: int = 0) -> MultiExitHead:
    generator = torch.Generator().manual_seed(seed)
    head = MultiExitHead(CHANNELS, 7, 5)
    head.initialize(generator)
    for parameter in head.parameters():
        parameter.data.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return head.double()


def maps() -> list[Tensor]:
    generator = torch.Generator().manual_seed(1)
    sizes = ((8, 6), (4, 3), (2, 2), (1, 1))
    return [
        torch.randn((2, channels, *size), generator=generator, dtype=torch.float64, requires_grad=True)
        for channels, size in zip(CHANNELS, sizes, strict=True)
    ]


def plain_light(head: MultiExitHead, finest: Tensor) -> Tensor:
    """Linear layer, 1x1 convolution, batch norm, ReLU, classifier, one after the other."""
    projected = head.linear_c1.proj(finest.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
    mixed = head.light_exit.fuse.bn(head.light_exit.fuse.conv(projected))
    logits: Tensor = head.light_exit.pred(functional.relu(mixed))
    return logits


@pytest.mark.parametrize("training", [False, True])
def test_light_exit_equals_the_plain_formula_gradients_included(training: bool) -> None:
    head, finest = random_head().train(training), maps()[0]
    other = copy.deepcopy(head)
    actual, expected = head.light(finest), plain_light(other, finest)
    assert actual.shape == (2, 5, 8, 6)
    torch.testing.assert_close(actual, expected, rtol=0, atol=1e-12)
    for one, plain in zip(head.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(one, plain, rtol=0, atol=1e-12)

    weights = torch.randn(expected.shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    read = [head.linear_c1, head.light_exit], [other.linear_c1, other.light_exit]
    ours, theirs = ([finest, *(p for part in parts for p in part.parameters())] for parts in read)
    for gradient, plain in zip(
        torch.autograd.grad(actual, ours, weights), torch.autograd.grad(expected, theirs, weights), strict=True
    ):
        torch.testing.assert_close(gradient, plain, rtol=1e-9, atol=1e-11)


def test_main_path_is_the_segformer_heads_bit_for_bit() -> None:
    ours, plain = MultiExitHead(CHANNELS, 7, 5), SegFormerHead(CHANNELS, 7, 5)
    for head in (ours, plain):
        head.initialize(torch.Generator().manual_seed(3))
    features = [feature.float() for feature in maps()]
    assert torch.equal(ours(features), plain(features))
    assert all(torch.equal(ours.state_dict()[name], value) for name, value in plain.state_dict().items())


def test_other_heads_have_no_light_exit_and_say_which_has() -> None:
    with pytest.raises(ValueError, match=r"no light exit; set model\.head to multi_exit"):
        SegFormerHead(CHANNELS, 7, 5).light(maps()[0])


def test_a_segformer_checkpoint_fills_all_but_the_light_exit() -> None:
    generator = torch.Generator().manual_seed(0)
    model = ModelSettings(head="multi_exit", reinitialize=("head.light_exit",))
    filled = build_segmentor(model, NoAdapter(), generator).eval()
    shipped = build_segmentor(ModelSettings(), NoAdapter(), torch.Generator()).eval()
    images = torch.rand((1, 3, 32, 64), generator=generator)
    assert torch.equal(filled(images), shipped(images))
    light = filled.head.light(filled.encode(images)[0])
    assert light.shape == (1, 19, 8, 16)
    assert light.std() > 0


def test_a_segformer_checkpoint_without_fresh_is_refused_with_the_cure() -> None:
    message = (
        r"model\.head segformer.*ask for multi_exit.*8 missing.*to segformer.*model\.reinitialize: \[head\.light_exit\]"
    )
    with pytest.raises(ValueError, match=message):
        build_segmentor(ModelSettings(head="multi_exit"), NoAdapter(), torch.Generator())
