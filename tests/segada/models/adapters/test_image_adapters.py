"""Image adapters: formulas and sizes."""

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from segada.models.adapters.high_frequency import HighFrequencyPrompt, high_frequencies
from segada.models.adapters.image_adapters import place_image_adapter
from segada.models.adapters.spatial_prior import SpatialPrior
from segada.models.adapters.visual_prompt import VisualPrompt
from segada.models.adapters.vit_adapter import Injector, Stem
from segada.models.encoders.base import Encoder, has_batch_norm
from segada.models.encoders.mix_transformer import MixTransformer, Reader, build_mix_transformer
from segada.models.encoders.tokens import as_image, as_tokens
from segada.settings.architectures import MIX_TRANSFORMERS
from segada.settings.image_adapter import (
    HighFrequencySettings,
    ImageAdapterSettings,
    VisualPromptSettings,
    VitAdapterSettings,
)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random(*shape: int, seed: int = 1) -> Tensor:
    return torch.randn(shape, generator=generator(seed))


def moved(encoder: MixTransformer) -> MixTransformer:
    """Every adapter away from its start."""
    source = generator(2)
    for part in [encoder.reader, *(encoder.stage(index).prompt for index in range(4))]:
        for parameter in () if part is None else part.parameters():
            with torch.no_grad():
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=source))
    return encoder


def prompted(settings: ImageAdapterSettings, encoder: str = "mit_b0") -> MixTransformer:
    network = build_mix_transformer(MIX_TRANSFORMERS[encoder], 0.0, torch.Generator(), generator())
    place_image_adapter(network, settings, generator(1))
    return moved(network).eval()


def outputs(encoder: MixTransformer, images: Tensor, additions: dict[int, list[Tensor]]) -> list[Tensor]:
    """The plain encoder with these tensors added before the blocks of these stages."""
    x, maps = images, []
    for index in range(4):
        stage = encoder.stage(index)
        x = stage.patch_embed(x)
        for number, block in enumerate(stage.each_block()):
            added = additions.get(index, [])
            x = block(x + added[number] if number < len(added) else x)
        x = as_image(stage.norm(x))
        maps.append(x)
    return maps


def entering(encoder: MixTransformer, stage: int, images: Tensor, below: list[Tensor]) -> Tensor:
    """The tokens that enter a stage."""
    tokens: Tensor = encoder.stage(stage).patch_embed(images if stage == 0 else below[stage - 1])
    return tokens


def test_the_stem_has_the_shapes_of_the_diary() -> None:
    stem = Stem(64, 320, (64, 128, 320, 512), torch.Generator()).to("meta")
    maps = stem(torch.empty(1, 3, 512, 512, device="meta"))
    assert [tuple(one.shape) for one in maps] == [(1, 320, side, side) for side in (128, 64, 32, 16)]
    assert sum(one.shape[-2] * one.shape[-1] for one in maps[1:]) == 4096 + 1024 + 256 == 5376


@pytest.mark.parametrize("size", [(512, 1024), (40, 72), (33, 95), (32, 32)])
def test_the_maps_of_a_stem_are_as_large_as_those_of_the_encoder(size: tuple[int, int]) -> None:
    encoder = MixTransformer(MIX_TRANSFORMERS["mit_tiny"], 0.0, torch.Generator()).to("meta")
    stem = SpatialPrior(8, 4, torch.Generator()).to("meta")
    images = torch.empty(2, 3, *size, device="meta")
    for one, width, feature in zip(stem(images), (8, 16, 32, 32), encoder(images), strict=True):
        assert one.shape == (2, width, *feature.shape[-2:])


def test_the_spatial_prior_by_plain_calls() -> None:
    prior = SpatialPrior(16, 3, generator())
    shapes = [tuple(weight.shape) for weight in prior.parameters() if weight.ndim == 4]
    assert shapes == [(16, 3, 3, 3), (16, 16, 3, 3), (16, 16, 3, 3), (32, 16, 3, 3), (64, 32, 3, 3)]
    x, expected = random(2, 3, 40, 24), []
    images = x
    weights = list(prior.parameters())
    for index, stride in enumerate((2, 1, 1, 2, 2)):
        weight, scale, shift = weights[3 * index : 3 * index + 3]
        x = functional.conv2d(x, weight, stride=stride, padding=1)
        x = functional.relu(functional.group_norm(x, len(weight) // 16, scale, shift))
        if index >= 2:
            x = functional.max_pool2d(x, 3, 2, 1) if index == 2 else x
            expected.append(x)
    for one, other in zip(prior(images), expected, strict=True):
        torch.testing.assert_close(one, other)


def test_the_injector_adds_what_the_tokens_see_in_the_stem_times_gamma() -> None:
    encoder = prompted(VitAdapterSettings(name="vit_adapter", stage=1, stem_width=4, points=2))
    images = random(2, 3, 48, 72)
    image_adapter, guide = encoder.stage(1).prompt, encoder.guide(images)
    assert isinstance(image_adapter, Injector)
    assert guide is not None
    assert image_adapter.attention.heads == 2
    tokens = entering(encoder, 1, images, outputs(encoder, images, {}))
    memory = torch.cat([as_tokens(one).reshape(2, -1, 64) for one in guide], 1)
    shapes = [(6, 9), (3, 5), (2, 3)]
    seen = image_adapter.attention(
        functional.layer_norm(tokens, (64,), image_adapter.norm_tokens.weight, image_adapter.norm_tokens.bias, 1e-6),
        functional.layer_norm(memory, (64,), image_adapter.norm_maps.weight, image_adapter.norm_maps.bias, 1e-6),
        shapes,
    )
    expected = outputs(encoder, images, {1: [image_adapter.gamma * seen]})
    plain = outputs(encoder, images, {})
    for stage, (one, other) in enumerate(zip(encoder(images), expected, strict=True)):
        torch.testing.assert_close(one, other)
        assert torch.allclose(one, plain[stage]) == (stage == 0)


def test_the_head_is_fed_with_the_stem_and_the_stages_are_not() -> None:
    encoder = prompted(VitAdapterSettings(name="vit_adapter", inject=False, feeds_head=True, stem_width=4))
    images = random(2, 3, 40, 72)
    features, guide = encoder(images), encoder.guide(images)
    assert isinstance(encoder.reader, Stem)
    assert guide is not None
    for one, other in zip(features, outputs(encoder, images, {}), strict=True):
        torch.testing.assert_close(one, other)
    for fed, feature, layer, one in zip(
        encoder.fed(features, guide), features, encoder.reader.feed, guide, strict=True
    ):
        assert isinstance(layer, nn.Conv2d)
        torch.testing.assert_close(fed, feature + functional.conv2d(one, layer.weight, layer.bias))
        assert not torch.allclose(fed, feature)


@pytest.mark.parametrize(("heads", "expected"), [(None, 5), (8, 8)])
def test_the_injector_has_the_heads_of_its_stage_unless_told(heads: int | None, expected: int) -> None:
    encoder = prompted(VitAdapterSettings(name="vit_adapter", heads=heads, stem_width=4), "mit_b1")
    image_adapter = encoder.stage(2).prompt
    assert isinstance(image_adapter, Injector)
    assert image_adapter.attention.heads == expected


def test_a_visual_prompt_is_a_bottleneck_on_the_map_of_its_stage() -> None:
    settings = VisualPromptSettings(name="visual_prompt", stages=(2, 0), stem_width=8, reduction=4)
    encoder = prompted(settings)
    images = random(2, 3, 40, 72)
    guide = encoder.guide(images)
    assert guide is not None
    assert len(guide) == 3
    additions = {}
    for stage, widths in ((0, (8, 2, 32)), (2, (32, 8, 160))):
        image_adapter = encoder.stage(stage).prompt
        assert isinstance(image_adapter, VisualPrompt)
        assert image_adapter.down.weight.shape == (widths[1], widths[0])
        assert image_adapter.up.weight.shape == (widths[2], widths[1])
        hidden = functional.conv2d(guide[stage], image_adapter.down.weight[:, :, None, None], image_adapter.down.bias)
        added = functional.conv2d(
            functional.gelu(hidden), image_adapter.up.weight[:, :, None, None], image_adapter.up.bias
        )
        additions[stage] = [added.permute(0, 2, 3, 1)]
    for one, other in zip(encoder(images), outputs(encoder, images, additions), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)
    assert encoder.stage(1).prompt is None


def test_a_high_frequency_prompt_goes_before_every_block_of_its_stages() -> None:
    encoder = prompted(HighFrequencySettings(name="high_frequency", stages=(1,), reduction=8, frequency_share=0.1))
    images = random(2, 3, 40, 72)
    reader, image_adapter = encoder.reader, encoder.stage(1).prompt
    assert reader is not None
    assert isinstance(image_adapter, HighFrequencyPrompt)
    first, second = reader.get_submodule("embeddings")
    map_of_stage = second(as_image(first(high_frequencies(images, 0.1))))
    assert map_of_stage.shape == (2, 5, 9, 64 // 8)
    tokens = entering(encoder, 1, images, outputs(encoder, images, {}))
    seen = tokens @ image_adapter.embed.weight.T + image_adapter.embed.bias + map_of_stage
    added = []
    for tune in image_adapter.tune:
        assert isinstance(tune, nn.Linear)
        hidden = functional.gelu(seen @ tune.weight.T + tune.bias)
        added.append(hidden @ image_adapter.up.weight.T + image_adapter.up.bias)
    assert len(added) == 2
    for one, other in zip(encoder(images), outputs(encoder, images, {1: added}), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def plain_high_pass(image: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.float64]:
    """One channel, one frequency after the other."""
    height, width = image.shape
    spectrum = np.fft.fftshift(np.fft.fft2(image))
    for row in range(height):
        for column in range(width):
            inside = abs(row - height // 2) < height * share**0.5 / 2
            if inside and abs(column - width // 2) < width * share**0.5 / 2:
                spectrum[row, column] = 0.0
    inverse = np.fft.ifft2(np.fft.ifftshift(spectrum))
    assert np.abs(inverse.imag).max() < 1e-12
    return np.abs(inverse.real)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("size", [(16, 24), (9, 14), (7, 5)])
def test_the_high_pass_equals_a_plain_one(size: tuple[int, int], share: float) -> None:
    images = random(2, 3, *size).double()
    passed = high_frequencies(images, share)
    for image in range(2):
        for channel in range(3):
            expected = plain_high_pass(images[image, channel].numpy(), share)
            np.testing.assert_allclose(passed[image, channel].numpy(), expected, atol=1e-12)


def test_the_high_pass_takes_away_even_light_and_keeps_edges() -> None:
    flat = torch.full((1, 3, 32, 64), 0.7)
    assert high_frequencies(flat, 0.25).abs().max() < 1e-6
    checks = ((torch.arange(32)[:, None] + torch.arange(64)) % 2).float().expand(1, 3, -1, -1)
    torch.testing.assert_close(high_frequencies(checks, 0.25), torch.full((1, 3, 32, 64), 0.5))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        (
            VitAdapterSettings(name="vit_adapter", heads=3),
            (
                "image_adapter.heads is 3, but stage 2 of the encoder is 160 wide; choose one of 1, 2, 4, 5, 8, 10, "
                "16, "
                "20, "
            ),
        ),
        (
            HighFrequencySettings(name="high_frequency", stages=(2,), reduction=33),
            "image_adapter.reduction is 33, but stage 0 of the encoder is 32 wide; choose at most 32",
        ),
    ],
)
def test_what_the_widths_of_the_built_network_forbid_is_refused(settings: ImageAdapterSettings, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        prompted(settings)


def test_an_encoder_without_tokens_is_refused() -> None:
    class Other(Encoder):
        def run(self, *_: object) -> list[Tensor]:
            return []

    with pytest.raises(ValueError, match=r"only Mix Transformers have tokens .* set model\.encoder to"):
        place_image_adapter(Other(), HighFrequencySettings(name="high_frequency"), torch.Generator())


def test_a_reader_that_summarizes_a_batch_is_found() -> None:
    """Source and mixed frames then go through the encoder apart."""
    encoder = prompted(VisualPromptSettings(name="visual_prompt", stem_width=4))
    assert not has_batch_norm(encoder)

    class Summary(Reader):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(3)

    encoder.reader = Summary()
    assert has_batch_norm(encoder)
