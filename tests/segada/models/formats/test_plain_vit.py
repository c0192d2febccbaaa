"""Files of plain vision transformers: the encoder has their values, whatever library wrote them."""

from pathlib import Path

import pytest
import safetensors.torch
import timm
import torch
from timm.models.vision_transformer import checkpoint_filter_fn
from torch import Tensor, nn

from segada import convert
from segada.cli.exit_codes import WRONG_INPUT
from segada.models.build import build_segmentor
from segada.models.segmentor import Segmentor
from segada.settings.adapter import LoraSettings
from segada.settings.model import ModelSettings


def written(tensors: dict[str, Tensor], path: Path) -> str:
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, path)
    return str(path)


def read(name: str, path: str) -> Segmentor:
    model = ModelSettings(encoder=f"timm/{name}", checkpoint=path, reinitialize=("head",), head_width=8)
    return build_segmentor(model, LoraSettings(name="lora"), torch.Generator().manual_seed(0)).eval()


def model_of(name: str) -> nn.Module:
    model: nn.Module = timm.create_model(name, num_classes=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.02)
    return model.eval()


def assert_same(segmentor: Segmentor, state: dict[str, Tensor]) -> None:
    names = [name for name in state if not name.startswith(("head", "fc_norm", "mask_token"))]
    own = {
        name.split(".", 2)[2].removeprefix("stem."): tensor
        for name, tensor in segmentor.encoder.state_dict().items()
        if name.startswith("stages.") and "_update" not in name
    }
    assert sorted(own) == sorted(names)
    assert all(torch.equal(own[name], state[name]) for name in names)


@pytest.mark.parametrize(
    "name", ["test_vit", "test_vit2", "deit_tiny_distilled_patch16_224", "vit_small_patch16_dinov3"]
)
@pytest.mark.parametrize("prefix", ["", "backbone."])
def test_a_file_of_timm_fills_the_encoder_and_adapters_start_beside_it(name: str, prefix: str, tmp_path: Path) -> None:
    state = model_of(name).state_dict()
    named = {f"{prefix}{key}": tensor for key, tensor in state.items()}
    segmentor = read(name, written(named, tmp_path / "net.safetensors"))
    assert_same(segmentor, state)
    assert "plain vision transformer" in segmentor.origin


@pytest.mark.parametrize("name", ["vit_small_patch14_dinov2", "vit_small_patch14_reg4_dinov2"])
def test_files_of_dino_v2_are_read_as_timm_reads_them(name: str, tmp_path: Path) -> None:
    model = model_of(name)
    official = {key: tensor for key, tensor in model.state_dict().items() if not key.startswith("head")}
    official["mask_token"] = torch.randn(1, 384)
    if "reg_token" in official:
        official["register_tokens"] = official.pop("reg_token")
        official["pos_embed"] = torch.cat([torch.randn(1, 1, 384), official["pos_embed"]], 1)
    expected = checkpoint_filter_fn(dict(official), model)
    assert_same(read(name, written(official, tmp_path / "net.safetensors")), expected)


def test_the_converter_says_that_a_run_reads_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(model_of("test_vit").state_dict(), tmp_path / "net.safetensors")
    assert convert.main([path]) == WRONG_INPUT
    said = " ".join(" ".join(capsys.readouterr()).split())
    assert "plain vision transformer, as timm, DINO and DINOv2 name it" in said
    assert "its tensors do not tell the name of its encoder; a run reads a plain vision transformer with the" in said


def test_a_file_of_another_size_is_refused_with_the_counts(tmp_path: Path) -> None:
    path = written(model_of("test_vit").state_dict(), tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"net\.safetensors .*plain vision transformer.*\d+ matched, \d+ missing"):
        read("vit_tiny_patch16_224", path)
