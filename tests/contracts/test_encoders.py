"""What every encoder promises."""

import pytest
import torch

from segada.models.encoders.mix_transformer import MixTransformer
from segada.models.encoders.registry import ENCODERS
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.model import ModelSettings
from segada.testing import encoders
from segada.testing.checks import pictures
from segada.testing.encoders import ENCODER_CHECKS, SIZES, EncoderCase
from segada.testing.findings import assert_holds

EXAMPLES = (
    "mit_tiny",
    "mit_b0",
    "timm/swin_tiny_patch4_window7_224",
    "timm/test_resnet",
    "timm/test_mambaout",
    "timm/test_convnext",
    "timm/test_vit",
)
DROP_PATH = 0.5


@pytest.fixture(scope="module", params=EXAMPLES)
def case(request: pytest.FixtureRequest) -> EncoderCase:
    return EncoderCase(request.param, DROP_PATH)


def test_the_table_holds_exactly_what_the_settings_name() -> None:
    assert set(ENCODERS) == set(MIX_TRANSFORMERS)
    assert all(ModelSettings(encoder=name).encoder == name for name in (*ENCODERS, *EXAMPLES))


@pytest.mark.parametrize("name", MIX_TRANSFORMERS)
@pytest.mark.parametrize("size", SIZES)
def test_mix_transformers_of_all_sizes_have_the_stated_channels_and_strides(name: str, size: tuple[int, int]) -> None:
    with torch.device("meta"):
        encoder = MixTransformer(MIX_TRANSFORMERS[name], 0.0, torch.Generator("cpu"))
        features = encoder(torch.empty(2, 3, *size))
    encoders.assert_shapes(features, encoder.channels, size)


@pytest.mark.parametrize("promise", ENCODER_CHECKS)
def test_it_keeps_the_promise(case: EncoderCase, promise: str) -> None:
    assert_holds(ENCODER_CHECKS, promise, case)


@pytest.mark.parametrize("name", EXAMPLES)
def test_stochastic_depth_alone_draws_and_goes_on_where_a_saved_run_was(name: str) -> None:
    segmentor, generator = EncoderCase(name, DROP_PATH).build(), torch.Generator().manual_seed(2)
    for parameter in segmentor.parameters():  # some residual branches begin as zero
        parameter.data.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    images, global_state, state = pictures(4, SIZES[0]), torch.get_rng_state(), segmentor.encoder.get_extra_state()
    first = [segmentor.encode(images)[-1] for _ in range(4)]
    segmentor.encoder.set_extra_state(state)
    assert all(torch.equal(segmentor.encode(images)[-1], maps) for maps in first)
    assert not all(torch.equal(maps, first[0]) for maps in first)
    with torch.no_grad():
        assert torch.equal(segmentor.encode(images)[-1], segmentor.encode(images)[-1])
    assert torch.equal(torch.get_rng_state(), global_state)
