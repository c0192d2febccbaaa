"""Encoders of timm: equal to timm's own, at any size; unsuitable models are refused with the reason."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import timm
import torch
from rich.console import Console
from torch import Tensor, nn

from segada.engine.session import adapt
from segada.models.build import bare_segmentor, build_segmentor
from segada.models.encoders.drop_path import DropPath
from segada.models.encoders.timm_encoder import TimmEncoder, TimmStage, build_timm_encoder
from segada.models.weights import load_weights, save_weights
from segada.settings import RunSettings
from segada.settings.adapter import NoAdapter
from segada.settings.image_adapter import VisualPromptSettings
from segada.settings.model import ModelSettings
from segada.settings.schema import slots


def build(name: str, drop_path: float = 0.0) -> TimmEncoder:
    encoder = build_timm_encoder(name, drop_path, torch.Generator(), torch.Generator().manual_seed(0))
    assert isinstance(encoder, TimmEncoder)
    return encoder


def images(*size: int) -> Tensor:
    return torch.randn((2, 3, *size), generator=torch.Generator().manual_seed(1))


def timms(name: str, ours: TimmEncoder, **options: object) -> nn.Module:
    """timm's own pyramid with our weights."""
    theirs = timm.create_model(name, features_only=True, **options).eval()
    weights = {key.split(".", 2)[2]: value for key, value in ours.state_dict().items() if key.startswith("stages.")}
    theirs.load_state_dict(weights)
    return theirs


@pytest.mark.parametrize(
    ("name", "options", "size"),
    [
        # Built by timm for this size; 8 x 9 tokens in the last stage are no multiple of a window of 7.
        ("swin_tiny_patch4_window7_224", {"img_size": (256, 288)}, (256, 288)),
        ("swin_tiny_patch4_window7_224", {"strict_img_size": False, "always_partition": True}, (64, 96)),
        ("test_mambaout", {}, (64, 96)),
        ("test_resnet", {"out_indices": (1, 2, 3, 4)}, (64, 96)),
        ("test_convnext", {}, (64, 96)),
        ("pvt_v2_b0", {}, (64, 96)),
    ],
)
@torch.no_grad()
def test_maps_are_those_of_timm(name: str, options: dict[str, object], size: tuple[int, int]) -> None:
    ours = build(name).eval()
    expected = timms(name, ours, **options)(images(*size))
    for actual, feature in zip(ours(images(*size)), expected, strict=True):
        as_ours = feature if feature.shape == actual.shape else feature.permute(0, 3, 1, 2)
        torch.testing.assert_close(actual, as_ours, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_blocks_of_efficient_nets_are_taken_apart() -> None:
    ours = build("test_efficientnet").eval()
    theirs = timm.create_model("test_efficientnet", features_only=True, out_indices=(1, 2, 3, 4)).eval()
    weights = {key.split(".", 2)[2]: value for key, value in ours.state_dict().items() if key.startswith("stages.")}
    theirs.load_state_dict({key.replace("blocks_", "blocks."): value for key, value in weights.items()})
    for actual, expected in zip(ours(images(64, 96)), theirs(images(64, 96)), strict=True):
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)


@torch.no_grad()
def test_uneven_images_are_filled_up_with_zeros_at_the_bottom_and_the_right() -> None:
    encoder = build("test_convnext").eval()
    uneven = images(36, 62)
    even = torch.zeros(2, 3, 36, 64)
    even[..., :62] = uneven
    assert torch.equal(encoder(uneven)[0], encoder(even)[0])
    assert [tuple(feature.shape[2:]) for feature in encoder(uneven)] == [(9, 16), (5, 8), (3, 4), (2, 2)]


def test_a_stage_leaves_what_it_reads_as_it_is() -> None:
    stage = TimmStage({"act": nn.ReLU(inplace=True), "pool": nn.MaxPool2d(2)}, 2, tokens_in=False, tokens_out=False)
    read = images(8, 16)
    before = read.clone()
    assert torch.equal(stage(read), nn.functional.max_pool2d(before.relu(), 2))
    assert torch.equal(read, before)


def test_activations_in_place_leave_gradients_as_they_are() -> None:
    ours = build("test_resnet").eval()
    theirs = timms("test_resnet", ours, out_indices=(1, 2, 3, 4))
    for name, part in theirs.named_modules():
        if isinstance(part, nn.ReLU):
            assert part.inplace, name
            part.inplace = False
    early = ours.run(images(64, 96), 0, 2)
    # Two networks go on from the same map.
    later = [ours.run(early[-1], 2, 4) for _ in range(2)]
    maps = [early[0], early[1], *(sum(both) / 2 for both in zip(*later, strict=True))]
    actual = torch.autograd.grad(_sum_of_squares(maps), list(ours.parameters()))
    expected = torch.autograd.grad(_sum_of_squares(theirs(images(64, 96))), list(theirs.parameters()))
    for one, other in zip(actual, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-5)


def _sum_of_squares(maps: Iterable[Tensor]) -> Tensor:
    return torch.stack([feature.square().mean() for feature in maps]).sum()


def test_stochastic_depth_rises_to_the_setting_and_other_noise_is_off() -> None:
    encoder = build("swin_tiny_patch4_window7_224", 0.3)
    rates = [part.probability for part in encoder.modules() if isinstance(part, DropPath)]
    assert rates == sorted(rates)
    assert rates[-1] == pytest.approx(0.3)
    assert all(part.generator is encoder.generator for part in encoder.modules() if isinstance(part, DropPath))
    assert not any(isinstance(part, timm.layers.DropPath) for part in encoder.modules())
    assert all(part.p == 0 for part in build("caformer_s18").modules() if isinstance(part, nn.Dropout))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("resnet19", r"model\.encoder is timm/resnet19, but timm has no model of that name; did you mean timm/resnet1"),
        ("nest_tiny", r"timm/nest_tiny, but its maps have strides of \[4, 8, 16\], and a head reads \[4, 8, 16, 32\]"),
        (
            "vit_small_patch16_rope_mixed_224",
            "but its rotary embeddings are others in each block; choose one like timm",
        ),
        (
            "xcit_nano_12_p16_224",
            "but its tokens have one resolution, and timm builds it for one size of images; choose",
        ),
        ("twins_svt_small", r"timm runs it as a whole \(FeatureGetterNet\), so that its frozen stages could not"),
        ("selecsls42", "its maps are not a 4th, 8th, 16th and 32nd of the images' size; choose one like timm/resnet18"),
    ],
)
def test_models_that_cannot_be_encoders_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build(name)


def test_stochastic_depth_of_a_model_that_has_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"model\.drop_path is 0\.1, but timm/dla46_c has no stochastic depth"):
        build("dla46_c", 0.1)


def test_a_model_of_one_size_alone_refuses_others_and_says_which() -> None:
    encoder = build("test_coatnet")
    assert encoder.size == (160, 160)
    assert [tuple(feature.shape[2:]) for feature in encoder(images(160, 160))] == [(40, 40), (20, 20), (10, 10), (5, 5)]
    with pytest.raises(
        ValueError, match=r"only images of \(160, 160\).*have \(64, 128\); set data\.size to \[160, 160"
    ):
        encoder(images(64, 128))


def test_image_adapters_have_no_place() -> None:
    with pytest.raises(ValueError, match=r"image_adapter\.name is 'visual_prompt', but only Mix Transformers have a"):
        RunSettings.model_validate(
            {"model": {"encoder": "timm/test_resnet"}, "image_adapter": {"name": "visual_prompt"}}
        )


def test_image_adapters_are_refused_by_the_builder_too() -> None:
    model = ModelSettings(encoder="timm/test_resnet", checkpoint=None)
    with pytest.raises(ValueError, match=r"image_adapter\.name is visual_prompt, but only Mix Transformers"):
        build_segmentor(model, NoAdapter(), torch.Generator(), VisualPromptSettings(name="visual_prompt"))


def test_the_head_is_256_wide_unless_it_is_said() -> None:
    model = ModelSettings(encoder="timm/test_resnet", checkpoint=None)
    assert bare_segmentor(model, torch.Generator()).shape.width == 256


@pytest.mark.parametrize("encoder", ["mit_b6", "resnet18", "timm", "timm/"])
def test_names_of_no_encoder_are_refused_with_the_nearest(encoder: str) -> None:
    with pytest.raises(ValueError, match=rf"there is no encoder '{encoder}'; (did you mean mit_b5|.*timm/NAME)"):
        ModelSettings(encoder=encoder)


def test_a_search_may_choose_among_encoders() -> None:
    (place,) = slots(RunSettings, ["model", "encoder"])
    for name in ("mit_b0", "timm/test_resnet"):
        place.check(name)
    with pytest.raises(ValueError, match="there is no encoder 'mit_b9'; did you mean mit_b"):
        place.check("mit_b9")


@pytest.mark.parametrize(
    ("encoder", "head", "method"),
    [
        ("test_resnet", "daformer", "dacs"),
        ("test_mambaout", "multi_exit", "adversarial"),
        ("test_convnext", "segformer", "tent"),
        ("test_vit", "multi_exit", "adversarial"),
    ],
)
def test_methods_adapt_it_over_a_stream(
    tiny_run: dict[str, object], tmp_path: Path, encoder: str, head: str, method: str
) -> None:
    model = {"encoder": f"timm/{encoder}", "head": head, "head_width": 8, "checkpoint": None, "drop_path": 0.2}
    settings = RunSettings.model_validate({**tiny_run, "model": model, "method": {"name": method}})
    report = adapt(settings, tmp_path, Console(quiet=True))
    assert [record.domain for record in report.visits] == ["clear", "200mm"]
    loaded = bare_segmentor(settings.model, torch.Generator())
    assert load_weights(loaded, str(tmp_path / "weights.safetensors")).complete


def test_weights_of_another_encoder_are_refused_with_the_counts(tmp_path: Path) -> None:
    saved = bare_segmentor(ModelSettings(encoder="timm/test_resnet", checkpoint=None), torch.Generator())
    save_weights(saved, tmp_path / "net.safetensors", "")
    model = ModelSettings(checkpoint=str(tmp_path / "net.safetensors"))
    message = r"net\.safetensors \(segada\) holds.*timm/test_resnet.*mit_tiny.*\d+ matched, \d+ missing.*\d+ unexpected"
    with pytest.raises(ValueError, match=message):
        build_segmentor(model, NoAdapter(), torch.Generator())
