"""A simple feature pyramid on a plain vision transformer: its formula, sizes, checkpoints and refusals."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from segada.engine.runner import Run
from segada.models.build import bare_segmentor
from segada.models.encoders.simple_pyramid import SimplePyramid
from segada.models.learning import learning_parameters
from segada.models.weights import load_weights, save_weights
from segada.settings import RunSettings
from segada.settings.model import ModelSettings

NAME = "timm/test_vit+pyramid"


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _normed(x: Tensor, weights: dict[str, Tensor], name: str) -> Tensor:
    mean, variance = x.mean(dim=1, keepdim=True), x.var(dim=1, keepdim=True, correction=0)
    scale, shift = (weights[f"{name}.{own}"].view(1, -1, 1, 1) for own in ("weight", "bias"))
    return (x - mean) / (variance + 1e-6).sqrt() * scale + shift


@pytest.mark.parametrize(
    ("stride", "ups", "pooled"), [(16, (2, 1, 0, 0), (1, 1, 1, 2)), (8, (1, 0, 0, 0), (1, 1, 2, 4))]
)
def test_maps_are_those_of_the_formula(stride: int, ups: tuple[int, ...], pooled: tuple[int, ...]) -> None:
    pyramid = SimplePyramid(8, stride, generator()).double()
    for parameter in pyramid.parameters():
        parameter.data.add_(0.1 * torch.randn(parameter.shape, generator=generator(1), dtype=torch.float64))
    weights = dict(pyramid.state_dict())
    tokens = torch.randn((2, 8, 3, 5), generator=generator(2), dtype=torch.float64)
    for number, found in enumerate(pyramid(tokens)):
        x, layer = tokens, 0
        for up in range(ups[number]):
            if up:
                x = functional.gelu(_normed(x, weights, f"maps.{number}.{layer}"))
                layer += 2
            own = f"maps.{number}.{layer}"
            x = functional.conv_transpose2d(x, weights[f"{own}.weight"], weights[f"{own}.bias"], stride=2)
            layer += 1
        if pooled[number] > 1:
            x = functional.max_pool2d(x, pooled[number], ceil_mode=True)
            layer += 1
        x = _normed(
            functional.conv2d(x, weights[f"maps.{number}.{layer}.weight"]), weights, f"maps.{number}.{layer + 1}"
        )
        kernel = weights[f"maps.{number}.{layer + 2}.weight"]
        x = _normed(functional.conv2d(x, kernel, padding=1), weights, f"maps.{number}.{layer + 3}")
        torch.testing.assert_close(found, x)


@pytest.mark.parametrize("head", ["segformer", "daformer"])
@pytest.mark.parametrize("size", [(64, 96), (37, 66)])
def test_a_network_with_a_pyramid_runs_at_any_size(head: str, size: tuple[int, int]) -> None:
    settings = ModelSettings(encoder=NAME, head=head, head_width=16, checkpoint=None)
    network = bare_segmentor(settings, generator()).eval()
    assert network.encoder.channels == (256,) * 4
    images = torch.rand((2, 3, *size), generator=generator(1))
    assert [tuple(one.shape[-2:]) for one in network.encode(images)] == [
        tuple(-(-side // stride) for side in size) for stride in (4, 8, 16, 32)
    ]
    assert network(images).shape == (2, 19, -(-size[0] // 4), -(-size[1] // 4))


def test_it_is_saved_and_read_and_its_parameters_are_the_encoders(tmp_path: Path) -> None:
    settings = ModelSettings(encoder=NAME, head_width=16, checkpoint=None)
    network = bare_segmentor(settings, generator(1)).eval()
    save_weights(network, tmp_path / "net.safetensors", "")
    other = bare_segmentor(settings, generator(2)).eval()
    load_weights(other, tmp_path / "net.safetensors")
    images = torch.rand((1, 3, 64, 64), generator=generator(3))
    assert torch.equal(network(images), other(images))
    assert any(name.startswith("encoder.pyramid.") for name in learning_parameters(network))


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ({"encoder": "timm/resnet18+pyramid"}, "maps have four strides already"),
        ({"encoder": "timm/+pyramid"}, "there is no encoder 'timm/\\+pyramid'"),
        (
            {"encoder": NAME, "head": "multi_exit"},
            "a light exit reads the first stage alone; set model.head to segformer",
        ),
    ],
)
def test_what_has_no_place_for_it_is_refused(model: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        bare_segmentor(ModelSettings.model_validate({"checkpoint": None, "head_width": 16, **model}), generator())


def test_a_run_trains_it_while_the_rest_of_the_encoder_is_frozen(tiny_run: dict[str, object]) -> None:
    model = {"encoder": NAME, "checkpoint": None, "head_width": 16, "freeze": "encoder"}
    settings = RunSettings.model_validate({**tiny_run, "model": {**model, "trainable_modules": ["encoder.pyramid"]}})
    run = Run(settings)
    before = {name: value.detach().clone() for name, value in run.network.named_parameters()}
    run.next_visit()
    moved = {name for name, value in run.network.named_parameters() if not torch.equal(value, before[name])}
    assert any(name.startswith("encoder.pyramid.") for name in moved)
    assert not any(name.startswith("encoder.stages.") for name in moved)
