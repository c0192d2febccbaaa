"""The bottleneck by its formula."""

import torch
from torch.nn import functional

from segada.adapters.adaptformer import AdaptFormer


def test_formula_and_initialisation() -> None:
    adapter = AdaptFormer(6, 3, 0.5, torch.Generator().manual_seed(0))
    x = torch.randn((2, 4, 5, 6), generator=torch.Generator().manual_seed(1))
    assert not adapter(x).any()
    # Uniform by fan-in with a = sqrt(5): bounded by 1 / sqrt(C).
    assert 0 < adapter.down.weight.abs().max().item() <= 6**-0.5
    assert not adapter.down.bias.any()

    with torch.no_grad():
        adapter.up.weight.normal_(generator=torch.Generator().manual_seed(2))
        adapter.up.bias.fill_(1.0)
    expected = 0.5 * (functional.gelu(x @ adapter.down.weight.T) @ adapter.up.weight.T + 1.0)
    torch.testing.assert_close(adapter(x), expected)


def test_it_is_as_large_as_its_bottleneck_says() -> None:
    adapter = AdaptFormer(64, 16, 1.0, torch.Generator())
    assert sum(parameter.numel() for parameter in adapter.parameters()) == 2 * 64 * 16 + 64 + 16
