"""Formats whose writers are not installed: files written name by name, against their networks' formulas."""

from pathlib import Path

import foreign
import pytest
import torch
from foreign import Weights
from torch import Tensor, nn
from torch.nn import functional

from segada.models.formats import hamlet
from segada.models.formats.reading import read_weights
from segada.models.heads.daformer import DAFormerConvHead, DAFormerHead
from segada.models.learning import copy_of_checkpoint
from segada.models.segmentor import Segmentor
from segada.settings.architectures import MIX_TRANSFORMERS

CHANNELS = MIX_TRANSFORMERS["mit_b0"].widths
WIDTH = 24
ADE = 150


@pytest.fixture(scope="module")
def encoder() -> nn.Module:
    return foreign.smp_encoder()


def encoder_file(encoder: nn.Module, prefix: str = "backbone.") -> Weights:
    return {f"{prefix}{name}": tensor for name, tensor in encoder.state_dict().items()}


def segformer_head(linear: str, first: int, classes: int = 19) -> Weights:
    """A head under published names; `linear` is what its layers of the maps are called, from the number `first`."""
    shapes: dict[str, tuple[int, ...]] = {
        "decode_head.linear_fuse.conv.weight": (WIDTH, 4 * WIDTH, 1, 1),
        **foreign.norm_shapes("decode_head.linear_fuse.bn", WIDTH),
        "decode_head.linear_pred.weight": (classes, WIDTH, 1, 1),
        "decode_head.linear_pred.bias": (classes,),
        # A layer that the base class makes and nothing calls.
        "decode_head.conv_seg.weight": (classes, 128, 1, 1),
        "decode_head.conv_seg.bias": (classes,),
    }
    for index, size in enumerate(CHANNELS):
        shapes[f"decode_head.{linear}{index + first}.proj.weight"] = (WIDTH, size)
        shapes[f"decode_head.{linear}{index + first}.proj.bias"] = (WIDTH,)
    return foreign.counts(foreign.random_head(shapes), "decode_head.linear_fuse.bn")


def light_exit() -> Weights:
    shapes = {
        "decode_head.linear_fuse_m1.conv.weight": (WIDTH, WIDTH, 1, 1),
        **foreign.norm_shapes("decode_head.linear_fuse_m1.bn", WIDTH),
        "decode_head.linear_pred_m1.weight": (19, WIDTH, 1, 1),
        "decode_head.linear_pred_m1.bias": (19,),
    }
    return foreign.counts(foreign.random_head(shapes), "decode_head.linear_fuse_m1.bn")


def classified(weights: Weights, name: str, x: Tensor) -> Tensor:
    return functional.conv2d(x, weights[f"{name}.weight"], weights[f"{name}.bias"])


def plain_logits(weights: Weights, features: list[Tensor], linears: list[str], deepest_first: bool) -> Tensor:
    """The published head: layers, enlarging, concatenation, 1x1 convolution, batch norm, ReLU, classifier."""
    maps = [
        foreign.enlarged(foreign.plain_linear(weights, f"decode_head.{name}.proj", feature), features[0])
        for name, feature in zip(linears, features, strict=True)
    ]
    fused = foreign.plain_fusion(weights, "decode_head.linear_fuse", maps[::-1] if deepest_first else maps)
    return classified(weights, "decode_head.linear_pred", fused)


def maps_of(encoder: nn.Module, network: Segmentor) -> list[Tensor]:
    features: list[Tensor] = encoder((foreign.images() - network.mean) / network.std)[2:]
    return features


def load(weights: object, tmp_path: Path, **changes: object) -> Segmentor:
    torch.save(weights, tmp_path / "net.pth")
    return foreign.loaded(tmp_path / "net.pth", **{"head_width": WIDTH, **changes})  # type: ignore[arg-type]


@torch.no_grad()
def test_nvlabs_imagenet_file(encoder: nn.Module, tmp_path: Path) -> None:
    file = {
        **encoder_file(encoder, ""),
        "head.weight": torch.zeros(1000, CHANNELS[-1]),
        "head.bias": torch.zeros(1000),
    }
    with pytest.raises(ValueError, match=r"fills no head.*176 matched, 16 missing.*model\.reinitialize: \[head\]"):
        load(file, tmp_path)
    ours = load(file, tmp_path, reinitialize=["head"])
    assert "176 matched, 0 missing, 0 unexpected, 0 reshaped, 2 left out" in ours.origin
    for feature, expected in zip(ours.encode(foreign.images()), maps_of(encoder, ours), strict=True):
        foreign.assert_near(feature, expected, 1e-5)


def test_nvlabs_imagenet_file_as_the_static_models(encoder: nn.Module, tmp_path: Path) -> None:
    torch.save(encoder_file(encoder, ""), tmp_path / "mit_b0.pth")
    student = foreign.loaded(tmp_path / "mit_b0.pth", reinitialize=["head"])
    student.encoder.stages[0].norm.bias.data.zero_()
    static = copy_of_checkpoint(student, str(tmp_path / "mit_b0.pth"), "method.reference_checkpoint")
    assert torch.equal(static.encoder.stages[0].norm.bias, encoder.state_dict()["norm1.bias"])
    torch.save(mmsegmentation_encoder() | {"layers.9.more": torch.zeros(1)}, tmp_path / "other.pth")
    with pytest.raises(ValueError, match=r"1 unexpected \(first: layers\.9\.more\).*another method\.reference_check"):
        copy_of_checkpoint(student, str(tmp_path / "other.pth"), "method.reference_checkpoint")


@torch.no_grad()
def test_nvlabs_cityscapes_file(encoder: nn.Module, tmp_path: Path) -> None:
    weights = {**encoder_file(encoder), **segformer_head("linear_c", 1)}
    ours = load({"meta": {"CLASSES": ("road", "sidewalk")}, "state_dict": weights}, tmp_path)
    assert "(NVlabs SegFormer): 192 matched, 0 missing, 0 unexpected, 0 reshaped, 2 left out" in ours.origin
    linears = [f"linear_c{index}" for index in range(1, 5)]
    expected = plain_logits(weights, maps_of(encoder, ours), linears, deepest_first=True)
    foreign.assert_near(ours(foreign.images()), expected, 1e-5)


@torch.no_grad()
def test_nvlabs_ade_file_fills_all_but_the_classifier_when_asked(encoder: nn.Module, tmp_path: Path) -> None:
    weights = {**encoder_file(encoder), **segformer_head("linear_c", 1, ADE)}
    with pytest.raises(
        ValueError, match=r"classes 150, but.*19.*2 reshaped.*model\.reinitialize: \[head\.linear_pred\]"
    ):
        load(weights, tmp_path)
    ours = load(weights, tmp_path, reinitialize=["head.linear_pred"])
    assert torch.equal(ours.head.linear_fuse.conv.weight, weights["decode_head.linear_fuse.conv.weight"])
    assert ours.head.linear_pred.weight.shape[0] == 19


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["", "module.", "model.", "student.", "module.model."])
def test_hamlet_files_concatenate_the_finest_map_first(encoder: nn.Module, tmp_path: Path, prefix: str) -> None:
    weights = {**encoder_file(encoder), **segformer_head("linear_c.", 0)}
    ours = load({"state_dict": {f"{prefix}{name}": tensor for name, tensor in weights.items()}}, tmp_path)
    assert "Hamlet or DAFormer with a SegFormer head" in ours.origin
    linears = [f"linear_c.{index}" for index in range(4)]
    maps = maps_of(encoder, ours)
    expected = plain_logits(weights, maps, linears, deepest_first=False)
    foreign.assert_near(ours(foreign.images()), expected, 1e-5)
    # What a loader that only renames would be: it loads, and is another function.
    other = plain_logits(weights, maps, linears, deepest_first=True)
    assert (other - expected).abs().max() > 0.1 * expected.abs().max()
    renamed_alone = hamlet.SEGFORMER.read(weights).tensors
    ours.load_state_dict({hamlet.MIXER: renamed_alone[hamlet.MIXER]}, strict=False)
    foreign.assert_near(ours(foreign.images()), other, 1e-5)


@torch.no_grad()
def test_the_light_exit_of_hamlet(encoder: nn.Module, tmp_path: Path) -> None:
    weights = {**encoder_file(encoder), **segformer_head("linear_c.", 0), **light_exit()}
    ours = load(weights, tmp_path, head="multi_exit")
    finest = maps_of(encoder, ours)[0]
    mapped = foreign.plain_linear(weights, "decode_head.linear_c.0.proj", finest)
    fused = foreign.plain_fusion(weights, "decode_head.linear_fuse_m1", [mapped])
    expected = classified(weights, "decode_head.linear_pred_m1", fused)
    foreign.assert_near(ours.head.light(ours.encode(foreign.images())[0]), expected, 1e-5)
    with pytest.raises(
        ValueError, match=r"model\.head multi_exit.*set model\.head to multi_exit.*\[head\.light_exit\]"
    ):
        load(weights, tmp_path)
    assert "0 unexpected" in load(weights, tmp_path, reinitialize=["head.light_exit"]).origin


def daformer_head(kind: type[DAFormerHead] = DAFormerHead) -> Weights:
    """Under the names of DAFormer's code: `decode_head` and then what our head has too."""
    head = kind(CHANNELS, WIDTH, 19)
    foreign.filled(head, 5)
    return {f"decode_head.{name}": tensor for name, tensor in head.state_dict().items()}


@torch.no_grad()
@pytest.mark.parametrize(("name", "kind"), [("daformer", DAFormerHead), ("daformer_conv1", DAFormerConvHead)])
def test_daformers_own_heads(encoder: nn.Module, tmp_path: Path, name: str, kind: type[DAFormerHead]) -> None:
    weights = {**encoder_file(encoder), **daformer_head(kind)}
    ours = load(weights, tmp_path, head=name)
    assert "(DAFormer): " in ours.origin
    # tests/segada/models/heads/test_daformer.py holds the head against its formula under these very names.
    theirs = kind(CHANNELS, WIDTH, 19).eval()
    theirs.load_state_dict({own.removeprefix("decode_head."): tensor for own, tensor in daformer_head(kind).items()})
    foreign.assert_near(ours(foreign.images()), theirs(maps_of(encoder, ours)), 1e-5)
    with pytest.raises(ValueError, match=rf"model\.head {name}, but.*segformer.*set model\.head to {name}"):
        load(weights, tmp_path)


@pytest.mark.parametrize("part", ["fuse_layer.image_pool.1.conv.weight", "scale_attention.linear_pred.weight"])
def test_another_configuration_of_that_head_is_refused(encoder: nn.Module, tmp_path: Path, part: str) -> None:
    weights = {**encoder_file(encoder), **daformer_head(), f"decode_head.{part}": torch.zeros(1)}
    with pytest.raises(ValueError, match=rf"fills no head: its head has decode_head\.{part}, which no head here has"):
        load(weights, tmp_path, head="daformer")
    assert "left out" in load(weights, tmp_path, head="daformer", reinitialize=["head"]).origin


def mmsegmentation_encoder() -> Weights:
    shapes: dict[str, tuple[int, ...]] = {}
    inputs = 3
    for stage, width in enumerate(CHANNELS):
        kernel, reduction = (7 if stage == 0 else 3), (8, 4, 2, 1)[stage]
        shapes |= affine(f"layers.{stage}.0.projection", width, inputs, kernel, kernel)
        shapes |= affine(f"layers.{stage}.0.norm", width) | affine(f"layers.{stage}.2", width)
        for block in range(2):
            stem = f"layers.{stage}.1.{block}"
            shapes |= affine(f"{stem}.norm1", width) | affine(f"{stem}.norm2", width)
            shapes[f"{stem}.attn.attn.in_proj_weight"] = (3 * width, width)
            shapes[f"{stem}.attn.attn.in_proj_bias"] = (3 * width,)
            shapes |= affine(f"{stem}.attn.attn.out_proj", width, width)
            shapes |= affine(f"{stem}.ffn.layers.0", 4 * width, width, 1, 1)
            shapes |= affine(f"{stem}.ffn.layers.1", 4 * width, 1, 3, 3)
            shapes |= affine(f"{stem}.ffn.layers.4", width, 4 * width, 1, 1)
            if reduction > 1:
                shapes |= affine(f"{stem}.attn.sr", width, width, reduction, reduction) | affine(
                    f"{stem}.attn.norm", width
                )
        inputs = width
    return foreign.random_head(shapes)


def affine(name: str, *shape: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": shape, f"{name}.bias": shape[:1]}


def plain_mmsegmentation(weights: Weights, x: Tensor) -> list[Tensor]:
    """Its encoder from functions of torch: attention as `torch.nn.MultiheadAttention` has it, 1e-6 in every norm."""
    features = []
    for stage, (heads, reduction) in enumerate(zip((1, 2, 5, 8), (8, 4, 2, 1), strict=True)):
        stem = f"layers.{stage}"
        kernel = weights[f"{stem}.0.projection.weight"]
        x = functional.conv2d(
            x, kernel, weights[f"{stem}.0.projection.bias"], 4 if stage == 0 else 2, kernel.shape[-1] // 2
        )
        size = x.shape[-2:]
        tokens = normed(weights, f"{stem}.0.norm", x.flatten(2).transpose(1, 2))
        for block in range(2):
            tokens = plain_block(weights, f"{stem}.1.{block}", tokens, size, heads, reduction)
        x = normed(weights, f"{stem}.2", tokens).transpose(1, 2).unflatten(2, size)
        features.append(x)
    return features


def plain_block(weights: Weights, stem: str, tokens: Tensor, size: torch.Size, heads: int, reduction: int) -> Tensor:
    query = keys = normed(weights, f"{stem}.norm1", tokens)
    if reduction > 1:
        image = query.transpose(1, 2).unflatten(2, size)
        coarse = functional.conv2d(image, *pair(weights, f"{stem}.attn.sr"), stride=reduction)
        keys = normed(weights, f"{stem}.attn.norm", coarse.flatten(2).transpose(1, 2))
    attention = nn.MultiheadAttention(tokens.shape[-1], heads, batch_first=True)
    attention.load_state_dict(
        {
            name.removeprefix(f"{stem}.attn.attn."): tensor
            for name, tensor in weights.items()
            if f"{stem}.attn.attn." in name
        }
    )
    tokens = tokens + attention(query, keys, keys, need_weights=False)[0]
    image = normed(weights, f"{stem}.norm2", tokens).transpose(1, 2).unflatten(2, size)
    hidden = functional.conv2d(image, *pair(weights, f"{stem}.ffn.layers.0"))
    hidden = functional.conv2d(hidden, *pair(weights, f"{stem}.ffn.layers.1"), padding=1, groups=hidden.shape[1])
    update = functional.conv2d(functional.gelu(hidden), *pair(weights, f"{stem}.ffn.layers.4"))
    return tokens + update.flatten(2).transpose(1, 2)


def pair(weights: Weights, name: str) -> tuple[Tensor, Tensor]:
    return weights[f"{name}.weight"], weights[f"{name}.bias"]


def normed(weights: Weights, name: str, tokens: Tensor) -> Tensor:
    return functional.layer_norm(tokens, tokens.shape[-1:], *pair(weights, name), eps=1e-6)


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["", "backbone."])
def test_encoder_of_mmsegmentation(tmp_path: Path, prefix: str) -> None:
    weights = mmsegmentation_encoder()
    ours = load({f"{prefix}{name}": tensor for name, tensor in weights.items()}, tmp_path, reinitialize=["head"])
    expected = plain_mmsegmentation(weights, (foreign.images() - ours.mean) / ours.std)
    for feature, theirs in zip(ours.encode(foreign.images()), expected, strict=True):
        foreign.assert_near(feature, theirs)


def test_head_of_mmsegmentation_is_refused_with_the_reason(tmp_path: Path) -> None:
    weights = {f"backbone.{name}": tensor for name, tensor in mmsegmentation_encoder().items()}
    for index, size in enumerate(CHANNELS):
        weights[f"decode_head.convs.{index}.conv.weight"] = torch.zeros(WIDTH, size, 1, 1)
    with pytest.raises(
        ValueError, match=r"fills no head: mmsegmentation's.*another function.*model\.reinitialize: \[head\]"
    ):
        load({"state_dict": weights}, tmp_path)
    assert "4 left out" in load({"state_dict": weights}, tmp_path, reinitialize=["head"]).origin
    assert set(read_weights(tmp_path / "net.pth").left_out.values()) == {"of a head that is none of ours"}
