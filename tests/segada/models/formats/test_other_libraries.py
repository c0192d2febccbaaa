"""Files written by transformers, segmentation_models.pytorch and timm give the same function here."""

from pathlib import Path

import foreign
import pytest
import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from segada.models.formats.reading import read_weights
from segada.models.segmentor import Segmentor

SWIN = "swin_tiny_patch4_window7_224"
HUB = ("segformer.encoder.block.0.0.attention.self.query.weight", "decode_head.linear_c.0.proj.weight")


def normalized(network: Segmentor, size: tuple[int, int] = (64, 96)) -> Tensor:
    return (foreign.images(*size) - network.mean) / network.std


@torch.no_grad()
@pytest.mark.parametrize("encoder", ["mit_tiny", "mit_b0"])
def test_a_folder_of_transformers(tmp_path: Path, encoder: str) -> None:
    theirs = foreign.transformers_model(encoder)
    theirs.save_pretrained(tmp_path)
    assert set(HUB) <= set(load_file(tmp_path / "model.safetensors"))
    ours = foreign.loaded(tmp_path, encoder)
    assert "HF transformers SegFormer, names of its files" in ours.origin
    # Their modules have another epsilon in most norms: this is what it costs.
    foreign.assert_near(ours(foreign.images()), theirs(normalized(ours)).logits)
    foreign.assert_near(ours(foreign.images()), foreign.with_published_norms(theirs)(normalized(ours)).logits, 1e-5)


@torch.no_grad()
def test_files_of_transformers_in_pieces_and_pickled(tmp_path: Path) -> None:
    theirs = foreign.transformers_model("mit_tiny")
    theirs.save_pretrained(tmp_path, max_shard_size="300KB")
    assert len(list(tmp_path.glob("model-*.safetensors"))) > 1
    expected = read_weights(tmp_path).tensors
    assert len(expected) == 116
    for path in (tmp_path / "model.safetensors.index.json", pickled(tmp_path, tmp_path / "bin")):
        again = read_weights(path).tensors
        assert again.keys() == expected.keys()
        assert all(torch.equal(again[name], expected[name]) for name in expected)
    ours = foreign.loaded(tmp_path, "mit_tiny")
    foreign.assert_near(ours(foreign.images()), theirs(normalized(ours)).logits)


def pickled(folder: Path, into: Path) -> Path:
    """The folder as transformers wrote it before safetensors."""
    into.mkdir()
    tensors = {name: tensor for path in folder.glob("*.safetensors") for name, tensor in load_file(path).items()}
    torch.save(tensors, into / "pytorch_model.bin")
    (into / "config.json").write_text((folder / "config.json").read_text())
    return into


@torch.no_grad()
@pytest.mark.parametrize("wrapper", ["", "module.", "model.network."])
def test_a_state_dict_of_transformers_modules(tmp_path: Path, wrapper: str) -> None:
    theirs = foreign.transformers_model("mit_tiny")
    torch.save({f"{wrapper}{name}": tensor for name, tensor in theirs.state_dict().items()}, tmp_path / "net.pt")
    ours = foreign.loaded(tmp_path / "net.pt", "mit_tiny")
    assert "names of its modules" in ours.origin
    foreign.assert_near(ours(foreign.images()), theirs(normalized(ours)).logits)


@torch.no_grad()
def test_the_bare_encoder_of_transformers_needs_a_fresh_head(tmp_path: Path) -> None:
    theirs = foreign.transformers_model("mit_tiny").segformer
    theirs.save_pretrained(tmp_path)
    with pytest.raises(ValueError, match=r"fills no head: it is of an encoder alone.*model\.fresh: \[head\]"):
        foreign.loaded(tmp_path, "mit_tiny")
    ours = foreign.loaded(tmp_path, "mit_tiny", reinitialize=["head"])
    for feature, expected in zip(
        ours.encode(foreign.images()), theirs(normalized(ours), output_hidden_states=True).hidden_states, strict=True
    ):
        foreign.assert_near(feature, expected)


@torch.no_grad()
def test_segformer_of_smp(tmp_path: Path) -> None:
    theirs = foreign.filled(smp.Segformer("mit_b0", encoder_weights=None, classes=19))
    torch.save(theirs.state_dict(), tmp_path / "net.pth")
    ours = foreign.loaded(tmp_path / "net.pth")
    assert "segmentation_models.pytorch Segformer" in ours.origin
    decoded = theirs.decoder(theirs.encoder(normalized(ours)))
    foreign.assert_near(ours(foreign.images()), theirs.segmentation_head[0](decoded), 1e-5)


@torch.no_grad()
@pytest.mark.parametrize("prefix", ["", "encoder."])
def test_encoder_of_smp(tmp_path: Path, prefix: str) -> None:
    theirs = foreign.smp_encoder()
    save_file({f"{prefix}{name}": tensor for name, tensor in theirs.state_dict().items()}, tmp_path / "a.safetensors")
    ours = foreign.loaded(tmp_path / "a.safetensors", reinitialize=["head"])
    for feature, expected in zip(ours.encode(foreign.images()), theirs(normalized(ours))[2:], strict=True):
        foreign.assert_near(feature, expected, 1e-5)


def test_another_decoder_of_smp_is_named_and_its_encoder_is_read_with_a_fresh_head(tmp_path: Path) -> None:
    theirs = smp.FPN("mit_b0", encoder_weights=None, classes=19)
    torch.save(theirs.state_dict(), tmp_path / "net.pth")
    with pytest.raises(ValueError, match=r"fills no head: its head has decoder\..*, which no head here has"):
        foreign.loaded(tmp_path / "net.pth")
    assert "left out" in foreign.loaded(tmp_path / "net.pth", reinitialize=["head"]).origin


@pytest.fixture(scope="module")
def swin() -> timm.models.SwinTransformer:
    return foreign.filled(timm.create_model(SWIN, strict_img_size=False, always_partition=True))


@torch.no_grad()
def test_swin_of_timm(tmp_path: Path, swin: timm.models.SwinTransformer) -> None:
    torch.save(swin.state_dict(), tmp_path / "swin.pth")
    check_swin(tmp_path / "swin.pth", swin, "timm Swin Transformer")


@torch.no_grad()
def test_official_swin(tmp_path: Path, swin: timm.models.SwinTransformer) -> None:
    official = {}
    for name, tensor in swin.state_dict().items():
        # At the end of a stage instead of at the beginning of the next.
        for stage in range(1, 4):
            name = name.replace(f"layers.{stage}.downsample", f"layers.{stage - 1}.downsample")  # noqa: PLW2901
        official[name.replace("head.fc", "head")] = tensor
        if name.endswith("relative_position_bias_table"):
            official[name.replace("bias_table", "index")] = torch.zeros(49, 49, dtype=torch.int64)
    official["layers.0.blocks.1.attn_mask"] = torch.zeros(64, 49, 49)
    torch.save({"model": official}, tmp_path / "swin.pth")
    check_swin(tmp_path / "swin.pth", swin, "official Swin Transformer")


def check_swin(path: Path, theirs: timm.models.SwinTransformer, title: str) -> None:
    ours = foreign.loaded(path, f"timm/{SWIN}", reinitialize=["head"], head_width=8)
    assert title in ours.origin
    maps = theirs.forward_intermediates(normalized(ours), intermediates_only=True)
    for feature, expected in zip(ours.encode(foreign.images()), maps, strict=True):
        foreign.assert_near(feature, expected, 1e-5)


@torch.no_grad()
def test_patches_of_swin_are_joined_in_the_official_order(swin: timm.models.SwinTransformer) -> None:
    merging = swin.layers[1].downsample
    x = torch.rand((1, 6, 8, 96), generator=torch.Generator().manual_seed(0))
    parts = [x[:, row::2, column::2] for row, column in ((0, 0), (1, 0), (0, 1), (1, 1))]
    joined = functional.layer_norm(torch.cat(parts, dim=-1), (384,), merging.norm.weight, merging.norm.bias)
    foreign.assert_near(merging(x), functional.linear(joined, merging.reduction.weight), 1e-6)


def test_swin_into_another_swin_is_named(tmp_path: Path, swin: timm.models.SwinTransformer) -> None:
    torch.save(swin.state_dict(), tmp_path / "swin.pth")
    with pytest.raises(ValueError, match=rf"encoder timm/{SWIN}, but.*ask for mit_b0.*set model\.encoder to timm"):
        foreign.loaded(tmp_path / "swin.pth", reinitialize=["head"])
