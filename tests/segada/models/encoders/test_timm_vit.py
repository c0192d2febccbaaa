"""Plain vision transformers as encoders: equal to timm's own run, at any size, and runnable stage by stage."""

from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import timm
import torch
from rich.console import Console
from torch import Tensor
from torch.nn import functional

from segada.engine.session import adapt
from segada.models.build import bare_segmentor
from segada.models.encoders.timm_encoder import build_timm_encoder
from segada.models.encoders.timm_vit import VitEncoder, stage_ends, token_stride
from segada.models.learning import frozen_copy
from segada.settings import RunSettings
from segada.settings.model import ModelSettings

VITS = (
    "test_vit",
    "test_vit2",
    "deit_tiny_distilled_patch16_224",
    "vit_small_patch14_reg4_dinov2",
    "vit_small_patch16_dinov3",
    "eva02_tiny_patch14_224",
    "vit_tiny_r_s16_p8_224",
)


def build(name: str) -> VitEncoder:
    encoder = build_timm_encoder(name, 0.0, torch.Generator(), torch.Generator().manual_seed(0))
    assert isinstance(encoder, VitEncoder)
    return encoder.eval()


def images(*size: int) -> Tensor:
    return torch.randn((2, 3, *size), generator=torch.Generator().manual_seed(1))


def maps(encoder: VitEncoder, pictures: Tensor) -> list[Tensor]:
    guide = encoder.guide(pictures)
    return encoder.fed(encoder.run(pictures, 0, 4), guide)


def timms(name: str, encoder: VitEncoder) -> Any:
    """timm's own model with our weights."""
    model = timm.create_model(name, dynamic_img_size=True).eval()
    state = {
        key.split(".", 2)[2].removeprefix("stem."): value
        for key, value in encoder.state_dict().items()
        if key.startswith("stages.")
    }
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected
    assert all(key.startswith(("head", "fc_norm")) for key in missing)
    return model


@pytest.mark.parametrize("name", VITS)
@torch.no_grad()
def test_tokens_are_those_of_timm_after_a_quarter_of_the_blocks_each(name: str) -> None:
    encoder = build(name)
    model = timms(name, encoder)
    pictures = images(2 * encoder.stride, 3 * encoder.stride)
    size = [2 * encoder.patch, 3 * encoder.patch]
    patches = functional.interpolate(pictures, size, mode="bilinear", antialias=True)
    taken = [end - 1 for end in stage_ends(len(model.blocks))]
    expected = model.forward_intermediates(patches, indices=taken, norm=True, intermediates_only=True)
    for packed, theirs in zip(encoder.run(pictures, 0, 4), expected, strict=True):
        torch.testing.assert_close(encoder.normed(packed), theirs, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("name", ["test_vit", "vit_small_patch14_reg4_dinov2", "vit_tiny_r_s16_p8_224"])
@pytest.mark.parametrize("size", [(64, 96), (32, 32), (37, 66), (72, 40)])
@torch.no_grad()
def test_maps_have_the_four_strides_and_a_stage_goes_on_where_the_one_before_ended(
    name: str, size: tuple[int, int]
) -> None:
    encoder, pictures = build(name), images(*size)
    found = maps(encoder, pictures)
    expected = [(2, encoder.channels[0], -(-size[0] // stride), -(-size[1] // stride)) for stride in (4, 8, 16, 32)]
    assert [tuple(one.shape) for one in found] == expected
    assert torch.equal(encoder.finest(pictures), found[0])
    whole, x = encoder(pictures), pictures
    for index, packed in enumerate(whole):
        x = encoder.run(x, index, index + 1)[0]
        assert torch.equal(x, packed)


@torch.no_grad()
def test_maps_are_the_normed_tokens_resized() -> None:
    encoder = build("test_vit")
    pictures = images(64, 96)
    tokens = [encoder.normed(packed) for packed in encoder.run(pictures, 0, 4)]
    finest, second, third, last = maps(encoder, pictures)
    assert torch.equal(third, tokens[2])
    torch.testing.assert_close(finest, functional.interpolate(tokens[0], scale_factor=4, mode="bilinear"))
    torch.testing.assert_close(second, functional.interpolate(tokens[1], scale_factor=2, mode="bilinear"))
    torch.testing.assert_close(last, functional.avg_pool2d(tokens[3], 2))


def test_stages_share_the_blocks_out_and_patches_take_the_nearest_stride() -> None:
    assert stage_ends(12) == (3, 6, 9, 12)
    assert stage_ends(6) == (1, 3, 4, 6)
    assert stage_ends(4) == (1, 2, 3, 4)
    assert [token_stride(patch) for patch in (8, 14, 16, 32)] == [8, 16, 16, 32]
    assert [encoder_blocks(stage) for stage in range(4)] == [["0"], ["1", "2"], ["3"], ["4", "5"]]


def encoder_blocks(stage: int) -> list[str]:
    return [name.rpartition(".")[2] for name in build("test_vit").block_names(stage)]


@torch.no_grad()
def test_frozen_stages_are_a_prefix_that_a_teacher_shares() -> None:
    segmentor = bare_segmentor(
        ModelSettings(encoder="timm/test_vit", checkpoint=None, head_width=8), torch.Generator().manual_seed(0)
    ).eval()
    segmentor.encoder.stages[:2].requires_grad_(requires_grad=False)
    pictures = torch.rand((2, 3, 40, 72), generator=torch.Generator().manual_seed(1))
    prefix = segmentor.encode_frozen(pictures)
    assert len(prefix.features) == 2
    expected = segmentor.encode(pictures)
    for network in (segmentor, frozen_copy(segmentor)):
        for one, other in zip(network.encode_rest(prefix), expected, strict=True):
            assert torch.equal(one, other)


def test_a_run_trains_adapters_in_it_with_feature_distance_and_modular_training(
    tiny_run: dict[str, object], tmp_path: Path
) -> None:
    model = {"encoder": "timm/test_vit", "head": "multi_exit", "head_width": 8, "checkpoint": None, "freeze": "encoder"}
    sections = {
        "adapter": {"name": "lora", "stages": [1, 3]},
        "method": {"name": "dacs", "source_fdist_lambda": 0.1, "fdist_classes": "all"},
        "controller": {"name": "hamlet", "modular": {"policy": "random"}},
    }
    settings = RunSettings.model_validate({**tiny_run, "model": model, **sections})
    report = adapt(settings, tmp_path, Console(quiet=True))
    assert [record.domain for record in report.visits] == ["clear", "200mm"]
    weights = safetensors.torch.load_file(tmp_path / "weights.safetensors")
    learned = {name for name, tensor in weights.items() if "update.up" in name and tensor.any()}
    assert {name.split(".")[4] for name in learned} <= {"1", "2", "4", "5"}
    assert "encoder.stages.3.blocks.5.attn.q_update.up.weight" in learned
