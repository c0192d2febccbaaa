"""LoRA and ViDA: formulas and sizes."""

import pytest
import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.adapters.lora import insert_lora
from segada.models.adapters.low_rank import LowRankUpdate
from segada.models.adapters.vida import VidaPair, insert_vida
from segada.models.encoders.drop_path import DropPath
from segada.models.encoders.mix_block import Attention, Block
from segada.settings.adapter import LoraSettings, VidaSettings


def block_of(width: int, generator: torch.Generator) -> Block:
    block = Block(width, 2, 2, DropPath(0.0, torch.Generator())).eval()
    return _shuffled(block, generator)


def _shuffled(block: Block, generator: torch.Generator) -> Block:
    block.double()
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.normal_(0.0, 0.5, generator=generator)
    return block


def attention_with(attention: Attention, weights: dict[str, Tensor], x: Tensor) -> Tensor:
    """The attention with other weight matrices: an update of a linear layer is one of its weight."""
    layers = {name: attention.get_submodule(name) for name in ("q", "kv", "proj")}
    parameters = {
        f"{name}.weight": layer.get_parameter("weight") + weights.get(name, 0.0) for name, layer in layers.items()
    }
    plain = Attention(x.shape[-1], attention.heads, 2)
    rest = {name: value for name, value in attention.named_parameters() if "update" not in name}
    return torch.func.functional_call(plain, {**rest, **parameters}, (x,))


def test_an_update_is_two_small_matrices_and_starts_as_nothing() -> None:
    update = LowRankUpdate(6, 9, 2, 0.5, torch.Generator().manual_seed(0))
    x = torch.randn((3, 4, 6), generator=torch.Generator().manual_seed(1))
    assert not update(x).any()
    assert 0 < update.down.weight.abs().max().item() <= 6**-0.5
    with torch.no_grad():
        update.up.weight.normal_(generator=torch.Generator().manual_seed(2))
    torch.testing.assert_close(update(x), 0.5 * x @ (update.up.weight @ update.down.weight).T)
    assert sum(parameter.numel() for parameter in update.parameters()) == 2 * (6 + 9)


@pytest.mark.parametrize("targets", [("q",), ("kv",), ("q", "kv"), ("q", "kv", "proj")])
def test_lora_changes_the_weights_of_its_targets_and_no_others(targets: tuple[str, ...]) -> None:
    generator = torch.Generator().manual_seed(0)
    block = block_of(8, generator)
    settings = LoraSettings.model_validate({"name": "lora", "rank": 3, "alpha": 6.0, "targets": targets})
    insert_lora(block, settings, generator)
    _shuffled(block, generator)
    weights = {}
    for target in ("q", "kv", "proj"):
        update = getattr(block.attn, f"{target}_update")
        assert (update is not None) == (target in targets)
        if update is not None:
            weights[target] = 6.0 / 3 * update.up.weight @ update.down.weight
    x = torch.randn((2, 4, 6, 8), generator=generator, dtype=torch.float64)
    torch.testing.assert_close(block.attn(x), attention_with(block.attn, weights, x))
    assert not torch.allclose(block.attn(x), attention_with(block.attn, {}, x))


def test_vida_adds_a_low_and_a_high_update_to_every_linear_layer() -> None:
    generator = torch.Generator().manual_seed(0)
    block = block_of(8, generator)
    settings = VidaSettings(name="vida", low_rank=1, high_rank=11, low_scale=0.5, high_scale=2.0)
    insert_vida(block, settings, generator)
    _shuffled(block, generator)
    weights = {}
    for target in ("q", "kv", "proj"):
        pair = getattr(block.attn, f"{target}_update")
        assert pair.high.down.weight.shape == (11, 8)
        low, high = (part.up.weight @ part.down.weight for part in (pair.low, pair.high))
        weights[target] = 0.5 * low + 2.0 * high
    x = torch.randn((2, 4, 6, 8), generator=generator, dtype=torch.float64)
    torch.testing.assert_close(block.attn(x), attention_with(block.attn, weights, x))


def test_vida_on_a_vision_transformer_is_as_large_as_the_diary_counted() -> None:
    with torch.device("meta"):
        model = timm.create_model("vit_base_patch16_224")
    assert sum(parameter.numel() for parameter in model.parameters()) == 86_567_656
    layers = [layer for block in model.blocks for layer in (block.attn.qkv, block.attn.proj)]
    assert all(isinstance(layer, nn.Linear) for layer in layers)
    pairs = nn.ModuleList(
        VidaPair(layer.in_features, layer.out_features, (1, 128), torch.Generator()) for layer in layers
    )
    sizes = {name: parameter.numel() for name, parameter in pairs.named_parameters()}
    total = sum(sizes.values())
    assert total == (768 + 2304 + 768 + 768) * (1 + 128) * 12 == 7_133_184
    assert 86_567_656 + total == 93_700_840
    assert round(100 * total / 93_700_840, 2) == 7.61
    # The diary's own split, 36,864 and 5,313,024 and 1,783,296, goes by names of tensors, not by rank.
    assert sum(size for name, size in sizes.items() if ".high." in name) == 7_077_888
    assert sum(size for name, size in sizes.items() if ".low." in name) == 55_296
    assert sum(size for name, size in sizes.items() if ".low.up." in name) == 36_864


def test_a_pair_is_nothing_at_first_and_then_the_sum_of_two_updates() -> None:
    pair = VidaPair(6, 4, (1, 9), torch.Generator().manual_seed(0), (0.5, 2.0))
    x = torch.randn((2, 3, 6), generator=torch.Generator().manual_seed(1))
    assert not pair(x).any()
    with torch.no_grad():
        for part in (pair.low, pair.high):
            part.up.weight.normal_(generator=torch.Generator().manual_seed(2))
    low = functional.linear(functional.linear(x, pair.low.down.weight), pair.low.up.weight)
    high = functional.linear(functional.linear(x, pair.high.down.weight), pair.high.up.weight)
    torch.testing.assert_close(pair(x), 0.5 * low + 2.0 * high)


def test_the_authors_initialization_has_the_deviation_of_the_rank() -> None:
    generator = torch.Generator().manual_seed(0)
    block = block_of(64, generator)
    insert_vida(block, VidaSettings(name="vida", low_rank=1, high_rank=128, initialization="rank"), generator)
    for target in ("q", "kv", "proj"):
        pair = getattr(block.attn, f"{target}_update")
        assert not pair.low.up.weight.any()
        assert not pair.high.up.weight.any()
        assert 0.5 < pair.low.down.weight.std() < 1.6
        torch.testing.assert_close(pair.high.down.weight.std(), torch.tensor(128.0**-2), rtol=0.1, atol=0)


def test_factors_weigh_both_updates() -> None:
    pair = VidaPair(6, 4, (1, 9), torch.Generator().manual_seed(0), (0.5, 2.0))
    x = torch.randn((2, 3, 6), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        for part in (pair.low, pair.high):
            part.up.weight.normal_(generator=torch.Generator().manual_seed(2))
        low, high = pair.low(x), pair.high(x)
        pair.factors = torch.tensor([0.75, 1.25])
        torch.testing.assert_close(pair(x), 0.75 * low + 1.25 * high)
    assert "factors" in pair.state_dict()
