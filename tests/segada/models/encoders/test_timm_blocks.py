"""Adapters in timm's blocks: the network computes the formulas of the papers, and what has no block is refused."""

import copy
from typing import Any

import pytest
import torch
from timm.models.eva import EvaBlock
from torch import Tensor, nn

from segada.models.adapters.lora import insert_lora
from segada.models.adapters.placement import place_adapter
from segada.models.encoders.base import has_adapter
from segada.models.encoders.block_encoder import BlockEncoder
from segada.models.encoders.timm_blocks import find_blocks, open_block
from segada.models.encoders.timm_encoder import build_timm_encoder
from segada.settings.adapter import AdaptFormerSettings, LoraSettings


def build(name: str, drop_path: float = 0.0) -> BlockEncoder:
    return build_timm_encoder(name, drop_path, torch.Generator(), torch.Generator().manual_seed(0)).eval()


def placed(encoder: BlockEncoder, settings: LoraSettings | AdaptFormerSettings) -> BlockEncoder:
    """A copy of the encoder with adapters that have learned something."""
    adapted = copy.deepcopy(encoder, {id(encoder.generator): encoder.generator})
    generator = torch.Generator().manual_seed(2)
    place_adapter(adapted, settings, generator)
    for name, parameter in adapted.named_parameters():
        if has_adapter(name):
            parameter.data = 0.1 * torch.randn(parameter.shape, generator=generator)
    return adapted


def images(encoder: BlockEncoder) -> Tensor:
    return torch.randn((2, 3, *(encoder.size or (64, 64))), generator=torch.Generator().manual_seed(1))


def add(layer: nn.Linear, delta: Tensor, rows: Any = slice(None)) -> None:
    layer.weight.data[rows] += delta


def merge(attention: Any, adapted: Any) -> None:
    """Adds updates to the weights of the linear layers, as far as the attention has them."""

    def delta(target: str) -> Tensor:
        update = getattr(adapted, f"{target}_update")
        return update.scale * (update.up.weight @ update.down.weight).detach()

    add(attention.proj, delta("proj"))
    keys, values = delta("kv").chunk(2)
    layers = dict(attention.named_children())
    if "qkv" in layers:
        add(layers["qkv"], torch.cat([delta("q"), keys, values]))
    elif "kv" in layers:
        add(layers["q"], delta("q"))
        add(layers["kv"], delta("kv"))
    else:
        for name, part in (("q_proj", delta("q")), ("k_proj", keys), ("v_proj", values)):
            add(layers[name], part)


@pytest.mark.parametrize(
    "name",
    [
        "test_vit",
        "vit_small_patch16_dinov3",
        "eva02_tiny_patch14_224",
        "pvt_v2_b0",
        "swin_tiny_patch4_window7_224",
    ],
)
@torch.no_grad()
def test_lora_is_the_same_network_with_the_updates_added_to_its_weights(name: str) -> None:
    encoder, stages = build(name), (1, 3)
    for part, parameter in encoder.named_parameters():
        if "gamma" in part:  # layer scales begin so small that they would hide everything
            parameter.data.fill_(0.5)
    adapted = placed(encoder, LoraSettings(name="lora", stages=stages, rank=2, targets=("q", "kv", "proj")))
    pictures = images(encoder)
    before = encoder(pictures)[-1]
    for stage in stages:
        for block in encoder.block_names(stage):
            merge(*(one.get_submodule(block).get_submodule("attn") for one in (encoder, adapted)))
    for one, other in zip(adapted(pictures), encoder(pictures), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-3)
    assert not torch.allclose(before, encoder(pictures)[-1], rtol=1e-2, atol=1e-2)


@torch.no_grad()
def test_separate_layers_of_keys_and_values_share_an_update() -> None:
    torch.manual_seed(0)
    plain = EvaBlock(32, 4, qkv_fused=False).eval()
    adapted = copy.deepcopy(plain)
    opened = open_block(adapted, 1)
    assert opened.linears == {"q": (32, 32), "kv": (32, 64), "proj": (32, 32)}
    insert_lora(opened, LoraSettings(name="lora", targets=("q", "kv", "proj")), torch.Generator().manual_seed(1))
    for name, parameter in adapted.named_parameters():
        if has_adapter(name):
            parameter.normal_(0.0, 0.1)
    merge(plain.attn, adapted.attn)
    x = torch.randn(2, 6, 32)
    torch.testing.assert_close(adapted(x), plain(x), rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_rows_that_lie_head_by_head_get_their_own_update() -> None:
    """With every update's rows known, queries, keys and values of each head get theirs."""
    encoder = build("tiny_vit_5m_224")
    adapted = placed(encoder, LoraSettings(name="lora", stages=(3,), rank=2))
    name = encoder.block_names(3)[0]
    plain, changed = (one.get_submodule(name).get_submodule("attn") for one in (encoder, adapted))
    width, heads = plain.qkv.in_features, plain.num_heads
    x = torch.randn((1, 4, width), generator=torch.Generator().manual_seed(3))
    added = (changed.qkv(x) - plain.qkv(x)).view(1, 4, heads, 3, -1)
    keys, values = changed.kv_update(x).chunk(2, -1)
    for part, update in enumerate((changed.q_update(x), keys, values)):
        torch.testing.assert_close(added[:, :, :, part].flatten(2), update, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("position", ["before", "parallel", "after"])
@pytest.mark.parametrize("name", ["test_vit2", "deit3_small_patch16_224", "pvt_v2_b0"])
@torch.no_grad()
def test_adaptformer_adds_to_the_branch_after_its_layer_scale(name: str, position: str) -> None:
    encoder = build(name)
    adapted = placed(encoder, AdaptFormerSettings(name="adaptformer", stages=(2,), position=position))
    block: Any = adapted.get_submodule(adapted.block_names(2)[0])
    tokens = torch.randn((2, 16, block.width), generator=torch.Generator().manual_seed(3))
    size = ((4, 4),) if name == "pvt_v2_b0" else ()
    attended = tokens + getattr(block, "ls1", nn.Identity())(block.attn(block.norm1(tokens), *size))
    normed, adapter = block.norm2(attended), getattr(block, position)
    scaled = getattr(block, "ls2", nn.Identity())
    # The formulas of the plain block: its hooks are left out by calling its parts.
    entered = normed + adapter(normed) if position == "before" else normed
    update = scaled(type(block.mlp).forward(block.mlp, entered, *size))
    update = update + adapter(update) if position == "after" else update
    update = update + adapter(normed) if position == "parallel" else update
    torch.testing.assert_close(block(tokens, *size), attended + update, rtol=1e-4, atol=1e-5)


def test_stochastic_depth_drops_an_adapter_with_its_mlp() -> None:
    adapted = placed(build("test_vit", 0.999), AdaptFormerSettings(name="adaptformer", stages=(3,)))
    last: Any = adapted.get_submodule(adapted.block_names(3)[-1])
    last.train()
    tokens = torch.randn((2, 16, 64), generator=torch.Generator().manual_seed(3))
    assert torch.equal(last(tokens), tokens)


def test_nested_blocks_are_found_once_and_other_modules_are_none() -> None:
    assert find_blocks(nn.Sequential(nn.Linear(4, 4))) == []
    assert find_blocks(build("pvt_v2_b0").stages[0]) == ["stages_0.blocks.0", "stages_0.blocks.1"]


NO_BLOCKS = (
    r"adapter\.name asks for transformer blocks \(modules with attn, mlp, drop_path2\), but model\.encoder "
    r"timm/test_resnet has none that are known; set adapter\.name to none, or model\.encoder to mit_b0"
)
NO_BLOCKS_IN_A_STAGE = (
    r"adapter\.stages names 0, but of the stages of timm/mobilevit_xxs only 1, 2, 3 have transformer blocks; "
    r"choose among 1, 2, 3"
)
OTHER_ROWS = (
    r"no place in stages\.0\.stages_0\.blocks\.0\.1 of model\.encoder timm/davit_tiny: the rows of its layer "
    r"'qkv' are not those of queries, keys and values, in all or by head; set adapter\.name to none"
)


@pytest.mark.parametrize(
    ("name", "stages", "message"),
    [
        ("test_resnet", (0,), NO_BLOCKS),
        ("mobilevit_xxs", (1, 0), NO_BLOCKS_IN_A_STAGE),
        ("davit_tiny", (0,), OTHER_ROWS),
    ],
)
def test_what_has_no_block_for_adapters_is_refused(name: str, stages: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        place_adapter(build(name), LoraSettings(name="lora", stages=stages), torch.Generator())
