"""AdaptFormer against its formula, at each of its positions."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from segada.models.adapters.adaptformer import AdaptFormer, insert_adaptformer
from segada.models.encoders.drop_path import DropPath
from segada.models.encoders.mix_block import Block
from segada.settings.adapter import AdaptFormerSettings


def random(shape: tuple[int, ...], seed: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def bottleneck(adapter: AdaptFormer, x: Tensor) -> Tensor:
    """The plain formula."""
    hidden = functional.gelu(x @ adapter.down.weight.T + adapter.down.bias)
    return adapter.scale * (hidden @ adapter.up.weight.T + adapter.up.bias)


def test_formula_and_initialization() -> None:
    adapter = AdaptFormer(6, 3, 0.5, torch.Generator().manual_seed(0))
    x = random((2, 4, 5, 6), 1)
    assert not adapter(x).any()
    # Uniform by fan-in with a = sqrt(5): bounded by 1 / sqrt(C).
    assert 0 < adapter.down.weight.abs().max().item() <= 6**-0.5
    assert not adapter.down.bias.any()

    with torch.no_grad():
        adapter.up.weight.normal_(generator=torch.Generator().manual_seed(2))
        adapter.up.bias.fill_(1.0)
    torch.testing.assert_close(adapter(x), bottleneck(adapter, x))


def test_it_is_as_large_as_its_bottleneck_says() -> None:
    adapter = AdaptFormer(64, 16, 1.0, torch.Generator())
    assert sum(parameter.numel() for parameter in adapter.parameters()) == 2 * 64 * 16 + 64 + 16


@pytest.mark.parametrize("position", ["before", "parallel", "after"])
def test_each_position_by_the_plain_formula(position: str) -> None:
    generator = torch.Generator().manual_seed(0)
    block = Block(6, 2, 1, DropPath(0.0, torch.Generator())).eval()
    settings = AdaptFormerSettings.model_validate(
        {"name": "adaptformer", "bottleneck": 3, "scale": 0.7, "position": position}
    )
    insert_adaptformer(block, settings, generator)
    adapter = block.get_submodule(position)
    assert isinstance(adapter, AdaptFormer)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_(0.0, 0.5, generator=generator)
    x = random((2, 4, 5, 6), 1)

    attended = x + block.attn(block.norm1(x))
    n = block.norm2(attended)
    update = {
        "before": lambda: block.mlp(n + bottleneck(adapter, n)),
        "parallel": lambda: block.mlp(n) + bottleneck(adapter, n),
        "after": lambda: block.mlp(n) + bottleneck(adapter, block.mlp(n)),
    }[position]()
    torch.testing.assert_close(block(x), attended + update)
    assert not torch.allclose(update, block.mlp(n))
