"""What every encoder promises."""

from pathlib import Path

import pytest
import torch
from torch import Tensor

from segada.models.build import bare_segmentor
from segada.models.encoders.base import STRIDES, has_batch_norm
from segada.models.encoders.mix_transformer import MixTransformer
from segada.models.encoders.registry import ENCODERS
from segada.models.learning import changing_state, frozen_copy, learning_parameters, source_copy
from segada.models.segmentor import Segmentor
from segada.models.weights import load_weights, save_weights
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.model import ModelSettings

EXAMPLES = (
    "mit_tiny",
    "mit_b0",
    "timm/swin_tiny_patch4_window7_224",
    "timm/test_resnet",
    "timm/test_mambaout",
    "timm/test_convnext",
    "timm/test_vit",
)
SIZES = ((64, 96), (32, 32), (37, 66), (72, 40))
DROP_PATH = 0.5


def build(encoder: str, seed: int = 0) -> Segmentor:
    model = ModelSettings(encoder=encoder, checkpoint=None, head_width=16, drop_path=DROP_PATH)
    return bare_segmentor(model, torch.Generator().manual_seed(seed))


def pictures(batch: int = 2, size: tuple[int, int] = (64, 96)) -> Tensor:
    return torch.rand((batch, 3, *size), generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=EXAMPLES)
def built(request: pytest.FixtureRequest) -> Segmentor:
    return build(request.param)


@pytest.fixture
def segmentor(built: Segmentor) -> Segmentor:
    """In evaluation mode, everything learning, without gradients."""
    built.eval().requires_grad_(requires_grad=True).zero_grad()
    return built


def test_the_table_holds_exactly_what_the_settings_name() -> None:
    assert set(ENCODERS) == set(MIX_TRANSFORMERS)
    assert all(ModelSettings(encoder=name).encoder == name for name in (*ENCODERS, *EXAMPLES))


@pytest.mark.parametrize("name", MIX_TRANSFORMERS)
@pytest.mark.parametrize("size", SIZES)
def test_mix_transformers_of_all_sizes_have_the_stated_channels_and_strides(name: str, size: tuple[int, int]) -> None:
    with torch.device("meta"):
        encoder = MixTransformer(MIX_TRANSFORMERS[name], 0.0, torch.Generator("cpu"))
        features = encoder(torch.empty(2, 3, *size))
    check_shapes(features, encoder.channels, size)


@pytest.mark.parametrize("size", SIZES)
def test_feature_maps_have_the_stated_channels_and_strides(segmentor: Segmentor, size: tuple[int, int]) -> None:
    with torch.no_grad():
        features = segmentor.encode(pictures(size=size))
    check_shapes(features, segmentor.encoder.channels, size)
    assert all(feature.isfinite().all() for feature in features)


def check_shapes(features: list[Tensor], channels: tuple[int, ...], size: tuple[int, int]) -> None:
    expected = [
        (2, width, -(-size[0] // stride), -(-size[1] // stride))
        for width, stride in zip(channels, STRIDES, strict=True)
    ]
    assert [tuple(feature.shape) for feature in features] == expected


@torch.no_grad()
def test_each_stage_works_alone_and_leaves_what_it_reads(segmentor: Segmentor) -> None:
    encoder, x = segmentor.encoder, segmentor.normalized(pictures())
    whole = encoder(x)
    for index, expected in enumerate(whole):
        before = x.clone()
        alone = encoder.run(x, index, index + 1)
        assert len(alone) == 1
        assert torch.equal(alone[0], expected)
        assert torch.equal(x, before)
        x = alone[0]
    rest = encoder.run(whole[1], 2, 4)
    assert torch.equal(rest[-1], whole[-1])


@torch.no_grad()
def test_images_do_not_see_each_other(segmentor: Segmentor) -> None:
    segmentor.train(not has_batch_norm(segmentor.encoder))
    together, alone = segmentor.encode(pictures(3)), segmentor.encode(pictures(3)[1:2])
    for one, other in zip(together, alone, strict=True):
        torch.testing.assert_close(one[1:2], other, rtol=1e-4, atol=1e-4)


def test_every_parameter_is_reached_by_gradients(segmentor: Segmentor) -> None:
    named = dict(segmentor.named_parameters())
    gradients = torch.autograd.grad(segmentor(pictures()).square().sum(), list(named.values()), allow_unused=True)
    assert [name for name, gradient in zip(named, gradients, strict=True) if gradient is None] == []


def test_building_follows_the_generator_alone(segmentor: Segmentor) -> None:
    state = torch.get_rng_state()
    same, other = build(segmentor.shape.encoder), build(segmentor.shape.encoder, seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    images = segmentor.normalized(pictures())
    for one, again, another in zip(*(net.eval().encoder(images) for net in (segmentor, same, other)), strict=True):
        assert torch.equal(one, again)
        assert not torch.equal(one, another)


@pytest.mark.parametrize("name", EXAMPLES)
def test_stochastic_depth_alone_draws_and_goes_on_where_a_saved_run_was(name: str) -> None:
    segmentor, generator = build(name), torch.Generator().manual_seed(2)
    for parameter in segmentor.parameters():  # some residual branches begin as zero
        parameter.data.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    images, global_state, state = pictures(4), torch.get_rng_state(), segmentor.encoder.get_extra_state()
    first = [segmentor.encode(images)[-1] for _ in range(4)]
    segmentor.encoder.set_extra_state(state)
    assert all(torch.equal(segmentor.encode(images)[-1], maps) for maps in first)
    assert not all(torch.equal(maps, first[0]) for maps in first)
    with torch.no_grad():
        assert torch.equal(segmentor.encode(images)[-1], segmentor.encode(images)[-1])
    assert torch.equal(torch.get_rng_state(), global_state)


def test_leading_stages_are_a_prefix_when_they_are_frozen_unless_they_summarize_batches(segmentor: Segmentor) -> None:
    encoder = segmentor.encoder
    assert encoder.frozen_stages() == 0
    encoder.stages[:3].requires_grad_(requires_grad=False)
    summarizing = [index for index, stage in enumerate(encoder.stages[:3]) if has_batch_norm(stage)]
    assert encoder.frozen_stages() == min([3, *summarizing])
    prefix = segmentor.encode_frozen(pictures())
    assert len(prefix.features) == encoder.frozen_stages()
    assert torch.equal(segmentor.encode_rest(prefix)[-1], segmentor.encode(pictures())[-1])


def test_copies_share_what_is_frozen_and_stay_when_the_student_learns(segmentor: Segmentor) -> None:
    segmentor.encoder.stages[0].requires_grad_(requires_grad=False)
    teacher, static = frozen_copy(segmentor), source_copy(segmentor)
    own = dict(teacher.named_parameters())
    assert all((own[name] is parameter) != parameter.requires_grad for name, parameter in segmentor.named_parameters())
    before = segmentor(pictures()).detach()
    state = {name: tensor.clone() for name, tensor in changing_state(segmentor, learning_parameters(segmentor)).items()}
    with torch.no_grad():
        for parameter in learning_parameters(segmentor).values():
            parameter.add_(0.01)
    assert torch.equal(teacher(pictures()), before)
    assert torch.equal(static(pictures()), before)
    assert not torch.equal(segmentor(pictures()), before)
    segmentor.load_state_dict(state, strict=False)
    assert torch.equal(segmentor(pictures()), before)


@torch.no_grad()
def test_weights_return_from_a_file(segmentor: Segmentor, tmp_path: Path) -> None:
    other = build(segmentor.shape.encoder, seed=1).eval()
    assert not torch.equal(other(pictures()), segmentor(pictures()))
    save_weights(segmentor, tmp_path / "net.safetensors", "")
    assert load_weights(other, str(tmp_path / "net.safetensors")).complete
    assert torch.equal(other(pictures()), segmentor(pictures()))
