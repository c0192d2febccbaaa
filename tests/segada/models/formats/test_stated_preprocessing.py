"""Preprocessing that checkpoints state is that which their own libraries apply."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import foreign
import mmcv
import numpy as np
import pytest
import timm
import torch
from mmengine.config import Config, ConfigDict
from mmengine.model import ImgDataPreprocessor
from safetensors.torch import save_file
from segmentation_models_pytorch.encoders._preprocessing import preprocess_input
from timm.models._hub import save_for_hf
from torch import Tensor
from transformers import MobileViTImageProcessor, SegformerImageProcessor

from segada.models.build import bare_segmentor
from segada.models.formats.contents import OpenedFile
from segada.models.formats.opening import open_checkpoint
from segada.models.formats.sizes import SWINS
from segada.models.formats.stated_preprocessing import stated_preprocessing
from segada.models.preprocessing import IMAGENET, IMAGENET_MEAN, IMAGENET_STD
from segada.models.segmentor import Segmentor
from segada.settings.model import ModelSettings

HALF = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}
MMSEG_MEAN, MMSEG_STD = [123.675, 116.28, 103.53], [58.395, 57.12, 57.375]
OTHER_MEAN, OTHER_STD = [104.0, 117.0, 123.0], [57.0, 58.0, 59.0]


def pixels() -> Tensor:
    """A picture of bytes, red, green and blue, [3, 32, 64]."""
    return torch.randint(0, 256, (3, 32, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(2))


def inputs(opened: OpenedFile) -> Tensor:
    """The picture as the encoder gets it, [3, 32, 64]."""
    network = bare_segmentor(ModelSettings(checkpoint=None), torch.Generator().manual_seed(0))
    network.prepare(stated_preprocessing(opened))
    return network.normalized(pixels()[None] / 255)[0]


def opened_with(**parts: Mapping[str, object]) -> OpenedFile:
    return OpenedFile(Path("net"), (), **{"content": {}, **parts})


def assert_same(actual: Tensor, expected: object) -> None:
    torch.testing.assert_close(actual, torch.as_tensor(np.ascontiguousarray(expected)).float(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    "given",
    [
        {},
        HALF,
        {"image_mean": 0.5, "image_std": 0.25},
        {"do_normalize": False},
        {"do_normalize": False, "do_rescale": False},
        {"do_rescale": False, "image_mean": MMSEG_MEAN, "image_std": MMSEG_STD},
        {"do_rescale": False, **HALF},
        {"rescale_factor": 1 / 127.5, **HALF},
        {"rescale_factor": 1.0, "image_mean": MMSEG_MEAN, "image_std": MMSEG_STD},
    ],
    ids=str,
)
def test_an_image_processor_of_transformers(given: dict[str, object], tmp_path: Path) -> None:
    processor = SegformerImageProcessor(do_resize=False, **given)
    processor.save_pretrained(tmp_path)
    written = json.loads((tmp_path / "preprocessor_config.json").read_text())
    expected = processor(pixels(), return_tensors="pt")["pixel_values"][0]
    assert_same(inputs(opened_with(processor=written)), expected)


def test_an_image_processor_that_reverses_the_channels(tmp_path: Path) -> None:
    written = {"do_flip_channel_order": True, "do_normalize": False, "rescale_factor": 1 / 255}
    processor = MobileViTImageProcessor(do_resize=False, do_center_crop=False, **written)
    expected = processor(pixels(), return_tensors="pt")["pixel_values"][0]
    assert_same(inputs(opened_with(processor=written)), expected)


def test_what_a_processor_leaves_out_is_the_default_of_its_kind() -> None:
    for kind in ({}, {"feature_extractor_type": "SegformerFeatureExtractor", "image_mean": None}):
        assert stated_preprocessing(opened_with(processor={**kind, "size": 512})) == IMAGENET
    with pytest.raises(ValueError, match=r"^net: preprocessor_config\.json of ViTImageProcessor lacks image_mean or"):
        stated_preprocessing(opened_with(processor={"image_processor_type": "ViTImageProcessor"}))


@torch.no_grad()
@pytest.mark.parametrize("given", ["", "model.safetensors"], ids=["folder", "file in it"])
def test_a_folder_of_transformers_gives_the_logits_that_transformers_gives(tmp_path: Path, given: str) -> None:
    theirs, processor = foreign.transformers_model("mit_tiny"), SegformerImageProcessor(do_resize=False, **HALF)
    theirs.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    expected = theirs(processor(pixels(), return_tensors="pt")["pixel_values"]).logits
    ours = foreign.loaded(tmp_path / given, "mit_tiny")
    foreign.assert_near(ours(pixels()[None] / 255), expected)
    words = "pixels: RGB in [0, 1], mean 0.5 0.5 0.5, standard deviation 0.5 0.5 0.5 (preprocessor_config.json)"
    assert words in ours.origin


def test_a_processor_among_others(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(1)}, tmp_path / "model.safetensors")
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": HALF, "processor_class": "Any"}))
    assert stated_preprocessing(open_checkpoint(tmp_path)).mean == (0.5, 0.5, 0.5)


def test_timm(tmp_path: Path) -> None:
    cfg = {"mean": (0.5, 0.4, 0.3), "std": (0.2, 0.3, 0.4)}
    model = timm.create_model("swin_tiny_patch4_window7_224", pretrained_cfg_overlay=cfg)
    save_for_hf(model, tmp_path)
    found = stated_preprocessing(open_checkpoint(tmp_path))
    assert (found.mean, found.std, found.source) == (*cfg.values(), "config.json")
    # As older versions wrote it.
    assert stated_preprocessing(opened_with(config={"architecture": "swin", **cfg})) == found
    assert stated_preprocessing(opened_with(content={"pretrained_cfg": cfg})) == found
    published = {(timm.get_pretrained_cfg(name).mean, timm.get_pretrained_cfg(name).std) for name in SWINS.values()}
    assert published == {(IMAGENET_MEAN, IMAGENET_STD)}, "a file of these without a word needs ImageNet's"


@pytest.mark.parametrize(
    "parameters",
    [
        {"input_space": "RGB", "input_range": [0, 1], "mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]},
        {"input_space": "BGR", "input_range": [0, 255], "mean": OTHER_MEAN, "std": [1.0, 1.0, 1.0]},
        {"input_space": "BGR", "input_range": [0, 1], "mean": [0.4, 0.45, 0.48], "std": [0.2, 0.2, 0.2]},
    ],
    ids=str,
)
def test_parameters_of_segmentation_models_pytorch(parameters: dict[str, object]) -> None:
    picture = pixels().permute(1, 2, 0).numpy().astype(np.float64)
    expected = preprocess_input(picture, **parameters).transpose(2, 0, 1)
    assert_same(inputs(opened_with(config=parameters)), expected)
    assert_same(inputs(opened_with(content={"extra": {"preprocessing": parameters}})), expected)


DATA_PREPROCESSOR = "dict(type='SegDataPreProcessor', mean={mean}, std={std}, bgr_to_rgb={rgb}, size=crop_size)"
AS_TEXT: Mapping[str, Callable[[str], object]] = {
    "1.x": lambda words: {"cfg": f"crop_size = (8, 8)\nmodel = dict(data_preprocessor={words}, backbone=dict())\n"},
    "1.x, by name": lambda words: {
        "cfg": f"data_preprocessor = {words}\nmodel = dict(data_preprocessor=data_preprocessor)"
    },
    "1.x, top": lambda words: {"cfg": f"crop_size = (8, 8)\ndata_preprocessor = {words}\nmodel = dict(a=f(1))\n"},
}


@pytest.mark.parametrize("rgb", [True, False], ids=["RGB", "BGR"])
@pytest.mark.parametrize("layout", AS_TEXT)
def test_the_data_preprocessor_of_mmsegmentation(layout: str, rgb: bool) -> None:
    words = DATA_PREPROCESSOR.format(mean=OTHER_MEAN, std=OTHER_STD, rgb=rgb)
    theirs = ImgDataPreprocessor(OTHER_MEAN, OTHER_STD, bgr_to_rgb=rgb)
    expected = theirs({"inputs": [pixels().flip(0)]})["inputs"][0]  # images are loaded as blue, green, red
    assert_same(inputs(opened_with(content={"meta": AS_TEXT[layout](words)})), expected)


@pytest.mark.parametrize("rgb", [True, False], ids=["RGB", "BGR"])
def test_the_normalization_of_mmsegmentation_0(rgb: bool) -> None:
    step = {"mean": OTHER_MEAN, "std": OTHER_STD, "to_rgb": rgb}
    picture = pixels().flip(0).permute(1, 2, 0).numpy().astype(np.float32)
    expected = mmcv.imnormalize(picture, np.array(OTHER_MEAN), np.array(OTHER_STD), rgb).transpose(2, 0, 1)
    nested = {"data": {"test": {"pipeline": [{"type": "Resize"}, {"transforms": [{"type": "Normalize", **step}]}]}}}
    top = f"img_norm_cfg = dict(\n    mean={OTHER_MEAN}, std={OTHER_STD}, to_rgb={rgb})"
    for config in (top, nested, f"data = {nested['data']}"):
        assert_same(inputs(opened_with(content={"meta": {"config": config}})), expected)


def test_configurations_as_objects(tmp_path: Path) -> None:
    preprocessor = {"type": "SegDataPreProcessor", "mean": OTHER_MEAN, "std": OTHER_STD, "bgr_to_rgb": False}
    for config in (ConfigDict(data_preprocessor=preprocessor), Config({"model": {"data_preprocessor": preprocessor}})):
        torch.save({"meta": {"cfg": config}, "state_dict": {"w": torch.zeros(1)}}, tmp_path / "net.pth")
        found = stated_preprocessing(open_checkpoint(tmp_path / "net.pth"))
        assert found.channel_order == "bgr"
        assert found.mean == pytest.approx([value / 255 for value in OTHER_MEAN])


def test_mmsegmentation_without_normalization_reads_bytes() -> None:
    content = {"meta": {"cfg": "data_preprocessor = dict(type='SegDataPreProcessor', bgr_to_rgb=True)"}}
    assert_same(inputs(opened_with(content=content)), pixels())


def test_buffers_among_the_weights(tmp_path: Path) -> None:
    encoder = foreign.smp_encoder().state_dict()
    for prefix, beside in (("model.encoder.", ""), ("encoder.", "")):
        weights = {f"{prefix}{name}": tensor for name, tensor in encoder.items()}
        mean, std = torch.full((1, 3, 1, 1), 0.5), torch.full((1, 3, 1, 1), 0.25)
        torch.save({"state_dict": {**weights, f"{beside}mean": mean, f"{beside}std": std}}, tmp_path / "net.ckpt")
        found = foreign.loaded(tmp_path / "net.ckpt", reinitialize=["head"]).preprocessing
        assert (found.mean, found.std) == ((0.5,) * 3, (0.25,) * 3)
    bytes_ = {"pixel_mean": torch.tensor(MMSEG_MEAN), "pixel_std": torch.tensor(MMSEG_STD)}
    found = stated_preprocessing(opened_with(content=bytes_))
    assert found.mean == pytest.approx(IMAGENET_MEAN, rel=1e-6)


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ({"processor": {"error": "Repository not found"}}, "is not of an image processor: it has none of do_normalize"),
        (
            {"processor": {"image_std": [0.5, 0.0, 0.5]}},
            r"has standard deviation \[0\.5, 0\.0, 0\.5\], which must be ab",
        ),
        ({"processor": {"image_mean": [0.5, 0.5]}}, r"has mean \[0\.5, 0\.5\], which is not one number, or three"),
        ({"processor": {"image_mean": "imagenet"}}, "has mean 'imagenet', which is not one number"),
        ({"processor": {"rescale_factor": 0}}, "scales pixels so that white becomes 0, which is not above 0"),
        ({"processor": {"rescale_factor": "1/255"}}, "has rescale_factor '1/255', which is no number"),
        ({"processor": {"rescale_offset": True}}, "has rescale_offset, which is not supported"),
        ({"config": {"mean": [1, 2, float("nan")], "std": 1}}, "has mean .*which is not one number"),
        ({"config": {"mean": 0.5, "std": 0.5, "input_space": "LAB"}}, "order 'LAB', which is neither RGB nor BGR"),
        ({"content": {"meta": {"cfg": "img_norm_cfg = dict(mean=[1,"}}}, r"its meta\.cfg states a preprocessing that"),
        ({"content": {"meta": {"cfg": "img_norm_cfg = dict(mean=MEAN, std=1)"}}}, "has mean 'MEAN', which"),
        ({"metadata": {"encoder": "mit_b0", "preprocessing": "half"}}, "its metadata has preprocessing 'half'"),
    ],
)
def test_a_statement_that_cannot_be_followed_is_refused_with_the_cure(
    parts: Mapping[str, Mapping[str, object]], said: str
) -> None:
    with pytest.raises(ValueError, match=rf"^net: .*{said}.*[;,] .*give it in model\.preprocessing$"):
        stated_preprocessing(opened_with(**parts))


def test_imagenet_s_is_the_same_from_every_source_and_changes_no_bit() -> None:
    mmseg = f"img_norm_cfg = dict(mean={MMSEG_MEAN}, std={MMSEG_STD}, to_rgb=True)"
    for parts in (
        {},
        {"processor": {"image_mean": IMAGENET_MEAN, "image_std": IMAGENET_STD, "rescale_factor": 0.00392156862745098}},
        {"config": {"pretrained_cfg": {"mean": IMAGENET_MEAN, "std": IMAGENET_STD}}},
        {"content": {"meta": {"config": mmseg}}},
        {"content": {"meta": {"config": "nothing about pixels ("}}},
    ):
        found = stated_preprocessing(opened_with(**parts))
        assert found == IMAGENET
        assert found.facts() == {}
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
        assert inputs(opened_with(**parts)).equal((pixels() / 255 - mean) / std)


def test_the_network_of_a_file_is_a_segmentor_with_its_preprocessing(tmp_path: Path) -> None:
    foreign.transformers_model("mit_tiny").save_pretrained(tmp_path)
    given = {"mean": [1, 2, 3], "std": [4, 5, 6], "channel_order": "bgr", "max_pixel_value": 10}
    (tmp_path / "preprocessor_config.json").write_text('{"image_std": 0}')
    with pytest.raises(ValueError, match=r"has standard deviation 0, which must be above 0; give it in model\.prep"):
        foreign.loaded(tmp_path, "mit_tiny")
    network: Segmentor = foreign.loaded(tmp_path, "mit_tiny", preprocessing=given)
    assert network.preprocessing.mean == (0.1, 0.2, 0.3)
    assert network.preprocessing.mean_color == (0.3, 0.2, 0.1)
    assert "pixels: BGR in [0, 1], mean 0.1 0.2 0.3" in network.origin
