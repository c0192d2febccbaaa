"""The folded head against the formula of the paper."""

import copy

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.engine.bench_model import plain_head
from segada.models.heads.segformer import SegFormerHead


@settings(max_examples=20, deadline=None)
@given(
    channels=st.tuples(*[st.integers(1, 7)] * 4),
    width=st.integers(1, 9),
    sizes=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=4, max_size=4),
    training=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_folded_head_equals_the_plain_formula_gradients_included(
    channels: tuple[int, ...], width: int, sizes: list[tuple[int, int]], training: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    sizes[0] = (sizes[0][0] + 1, sizes[0][1] + 1)  # one value per channel has no variance to normalize by
    head = random_head(channels, width, generator).train(training)
    features = [
        torch.randn((2, count, *size), generator=generator, dtype=torch.float64, requires_grad=True)
        for count, size in zip(channels, sizes, strict=True)
    ]
    other = copy.deepcopy(head)
    folded, plain = head(features), plain_head(other, features)
    torch.testing.assert_close(folded, plain, rtol=0, atol=1e-10)
    for actual, expected in zip(head.buffers(), other.buffers(), strict=True):
        torch.testing.assert_close(actual, expected, rtol=0, atol=1e-10)

    # Relative too: where the batch has a tiny spread by chance, the norm makes the gradients huge.
    weights = torch.randn(plain.shape, generator=generator, dtype=torch.float64)
    gradients = torch.autograd.grad(folded, [*features, *head.parameters()], weights)
    for gradient, reference in zip(
        gradients, torch.autograd.grad(plain, [*features, *other.parameters()], weights), strict=True
    ):
        torch.testing.assert_close(gradient, reference, rtol=1e-8, atol=1e-10)


def random_head(channels: tuple[int, ...], width: int, generator: torch.Generator) -> SegFormerHead:
    head = SegFormerHead(channels, width, classes=5)
    head.initialize(generator)
    for parameter in head.parameters():
        parameter.data.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return head.double()
