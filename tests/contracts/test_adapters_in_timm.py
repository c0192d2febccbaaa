"""What adapters promise in the encoders of timm: the same as in Mix Transformers."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from segada.models.build import build_segmentor
from segada.models.encoders.base import has_adapter
from segada.models.learning import frozen_copy, learning_parameters, source_copy
from segada.models.segmentor import Segmentor
from segada.models.weights import load_weights, save_weights
from segada.settings import RunSettings

ENCODERS = (
    "test_vit",
    "test_vit+pyramid",
    "deit_tiny_distilled_patch16_224",
    "vit_small_patch14_reg4_dinov2",
    "vit_small_patch16_dinov3",
    "pvt_v2_b0",
    "swin_tiny_patch4_window7_224",
)
"""A plain ViT; class and distillation tokens; registers, layer scales and patches of 14; rotary embeddings and no
position embedding; pyramids with separate and with fused layers of queries, keys and values."""
ADAPTERS: Mapping[str, dict[str, Any]] = {
    "lora": {"name": "lora", "stages": [0, 3], "rank": 2, "targets": ["q", "kv", "proj"]},
    "adaptformer": {"name": "adaptformer", "stages": [1, 3], "blocks": ["first", "last"], "bottleneck": 3},
    "vida": {"name": "vida", "stages": [2], "high_rank": 5},
    "rein": {"name": "rein", "stages": [0, 2, 3], "tokens": 5, "rank": 2},
}
SIZES = ((64, 96), (37, 66))
every_encoder = pytest.mark.parametrize("encoder", ENCODERS)
every_adapter = pytest.mark.parametrize("adapter", ADAPTERS)


def build(encoder: str, adapter: str | None, freeze: str = "everything", seed: int = 0) -> Segmentor:
    """None is the network without."""
    model = {"encoder": f"timm/{encoder}", "checkpoint": None, "head_width": 8, "freeze": freeze}
    changed: dict[str, Any] = {"method": {"name": "source_only"}} if adapter is None else {"adapter": ADAPTERS[adapter]}
    settings = RunSettings.model_validate({**changed, "model": model})
    return build_segmentor(settings.model, settings.adapter, torch.Generator().manual_seed(seed))


@cache
def plain(encoder: str) -> Segmentor:
    return build(encoder, None).eval()


def pictures(size: tuple[int, int] = (64, 96)) -> Tensor:
    return torch.rand((2, 3, *size), generator=torch.Generator().manual_seed(1))


def learn(segmentor: Segmentor) -> None:
    """Two steps: an update whose second layer starts at zero hides its first from the first."""
    optimizer = torch.optim.Adam(learning_parameters(segmentor).values(), lr=0.01)
    for _ in range(2):
        optimizer.zero_grad()
        segmentor(pictures()).square().mean().backward()
        optimizer.step()


@every_encoder
@every_adapter
@torch.no_grad()
def test_the_network_starts_as_the_one_without_bit_for_bit_and_keeps_its_names(encoder: str, adapter: str) -> None:
    adapted = build(encoder, adapter).eval()
    own = dict(plain(encoder).named_parameters())
    added = {name for name, _ in adapted.named_parameters() if name not in own}
    assert added
    assert all(has_adapter(name) for name in added)
    assert own.keys() == {name for name, _ in adapted.named_parameters()} - added
    for size in SIZES:
        for one, other in zip(adapted.encode(pictures(size)), plain(encoder).encode(pictures(size)), strict=True):
            assert torch.equal(one, other)


@every_encoder
@every_adapter
def test_adapters_alone_learn_and_return_from_a_file(encoder: str, adapter: str, tmp_path: Path) -> None:
    segmentor = build(encoder, adapter).eval()
    static, before = source_copy(segmentor), segmentor(pictures()).detach()
    assert all(has_adapter(name) for name in learning_parameters(segmentor))
    assert not any(has_adapter(name) for name, _ in static.named_parameters())
    learn(segmentor)
    without = [name for name, one in learning_parameters(segmentor).items() if one.grad is None or not one.grad.any()]
    assert without == []
    assert all(one.grad is None for one in segmentor.parameters() if not one.requires_grad)
    with torch.no_grad():
        learned = segmentor(pictures())
        assert not torch.equal(learned, before)
        assert torch.equal(static(pictures()), before)
        teacher = frozen_copy(segmentor)
        assert torch.equal(teacher.decode(teacher.encode_rest(segmentor.encode_frozen(pictures()))), learned)
        save_weights(segmentor, tmp_path / "net.safetensors", "")
        other = build(encoder, adapter, seed=1).eval()
        assert load_weights(other, str(tmp_path / "net.safetensors")).complete
        assert torch.equal(other(pictures()), learned)


@every_encoder
def test_weights_of_a_source_model_are_read_into_a_network_with_adapters(encoder: str, tmp_path: Path) -> None:
    save_weights(plain(encoder), tmp_path / "net.safetensors", "")
    adapted = build(encoder, "lora", seed=1).eval()
    assert load_weights(adapted, str(tmp_path / "net.safetensors")).complete
    with torch.no_grad():
        assert torch.equal(adapted(pictures()), plain(encoder)(pictures()))


def test_the_global_generator_is_left_alone() -> None:
    state = torch.get_rng_state()
    build("test_vit", "vida")
    assert torch.equal(torch.get_rng_state(), state)
