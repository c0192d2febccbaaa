"""What every encoder promises."""

from typing import get_args

import pytest
import torch

from segada.models.build import bare_segmentor
from segada.models.encoders import ENCODERS
from segada.models.mix_transformer import MixTransformer
from segada.models.segmentor import Segmentor
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.model import ModelSettings

NAMES = get_args(ModelSettings.model_fields["encoder"].annotation)
HEIGHT, WIDTH = 48, 64


@pytest.fixture(scope="module", params=["mit_tiny", "mit_b0"])
def segmentor(request: pytest.FixtureRequest) -> Segmentor:
    model = ModelSettings(encoder=request.param, checkpoint=None)
    return bare_segmentor(model, torch.Generator().manual_seed(0)).eval()


def test_the_tables_hold_exactly_what_the_settings_name() -> None:
    assert set(ENCODERS) == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_feature_maps_have_the_stated_channels_and_strides(name: str) -> None:
    with torch.device("meta"):
        encoder = MixTransformer(MIX_TRANSFORMERS[name], 0.0, torch.Generator("cpu"))
        features = encoder(torch.empty(2, 3, HEIGHT, WIDTH))
    for index, feature in enumerate(features):
        stride = 4 * 2**index
        assert feature.shape == (2, encoder.channels[index], -(-HEIGHT // stride), -(-WIDTH // stride))


def test_each_stage_works_alone(segmentor: Segmentor) -> None:
    images = torch.rand((1, 3, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        x, alone = images, []
        for stage in segmentor.encoder.stages:
            x = stage(x)
            alone.append(x)
        for one, other in zip(alone, segmentor.encoder(images), strict=True):
            assert torch.equal(one, other)
            assert torch.isfinite(one).all()


def test_images_do_not_see_each_other(segmentor: Segmentor) -> None:
    images = torch.rand((3, 3, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        together = segmentor.train().encode(images)
        alone = segmentor.encode(images[1:2])
    segmentor.eval()
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one[1:2], other, rtol=1e-4, atol=1e-4)


def test_every_parameter_is_reached_by_gradients(segmentor: Segmentor) -> None:
    segmentor(torch.rand((1, 3, HEIGHT, WIDTH), generator=torch.Generator().manual_seed(3))).square().sum().backward()
    unreached = [name for name, parameter in segmentor.named_parameters() if parameter.grad is None]
    segmentor.zero_grad()
    assert unreached == []
