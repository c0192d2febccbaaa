"""Style augmentation against OpenCV, mmcv and torchvision."""

import math

import cv2
import mmcv
import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from segada.data.batch import Batch
from segada.data.transforms.distortion import DRAWS, contrast, distort, lighten, saturate
from segada.data.transforms.style import equalize, gray, restyle
from segada.settings.augmentation import ClaheSettings, DistortionSettings, StyleSettings

pytestmark = pytest.mark.rounding


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_images(count: int, seed: int = 0) -> Tensor:
    """Noise with black, white, gray and pure colors in it, where hue and saturation are hard."""
    images = torch.rand(count, 3, 16, 24, generator=seeded(seed))
    images[:, :, 0, 0], images[:, :, 0, 1], images[:, :, 0, 2] = 0.0, 1.0, 0.5
    images[:, :, 1, :3] = torch.eye(3)
    return images


def as_batch(images: Tensor) -> Batch:
    return Batch(images, torch.zeros(len(images), *images.shape[2:], dtype=torch.int64))


def plain(
    image: Tensor, made: list[bool], amounts: list[float], settings: DistortionSettings, *, contrast_first: bool
) -> npt.NDArray[np.float32]:
    """Photometric distortion as recipes write it, in OpenCV's HSV of floats: hue in degrees."""
    lightness, factor, colorfulness, turn = amounts
    pixels = image.permute(1, 2, 0).numpy()
    if made[0]:
        pixels = np.clip(pixels + lightness * settings.brightness, 0, 1)
    if made[1] and contrast_first:
        pixels = np.clip(pixels * (1 + factor * settings.contrast), 0, 1)
    hsv = cv2.cvtColor(pixels.astype(np.float32), cv2.COLOR_RGB2HSV)
    if made[2]:
        hsv[..., 1] = np.clip(hsv[..., 1] * (1 + colorfulness * settings.saturation), 0, 1)
    if made[3]:
        hsv[..., 0] = (hsv[..., 0] + turn * settings.hue) % 360
    pixels = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)
    if made[1] and not contrast_first:
        pixels = np.clip(pixels * (1 + factor * settings.contrast), 0, 1)
    return pixels


@pytest.mark.parametrize("seed", range(6))
def test_distortion_equals_the_plain_one_in_hsv(seed: int) -> None:
    settings = DistortionSettings(probability=0.5, brightness=0.3, contrast=0.6, saturation=0.9, hue=100.0)
    images, draws = random_images(8, seed), torch.rand(8, DRAWS, generator=seeded(seed))
    distorted = distort(images, settings, draws)
    for image, result, numbers in zip(images, distorted, draws.tolist(), strict=True):
        made = [number < 0.5 for number in numbers[:4]]
        amounts = [2 * number - 1 for number in numbers[4:8]]
        expected = plain(image, made, amounts, settings, contrast_first=numbers[8] < 0.5)
        # OpenCV's float HSV divides by what it adds FLT_EPSILON to.
        assert result.permute(1, 2, 0).numpy() == pytest.approx(expected, abs=2e-5)


def test_contrast_comes_before_or_after_the_colors() -> None:
    image = random_images(1)
    settings = DistortionSettings(probability=1.0, brightness=0.0, contrast=0.5, saturation=1.0, hue=0.0)
    first, last = (
        distort(image, settings, torch.tensor([[0, 0, 0, 0, 0.5, 1.0, 1.0, 0.5, order]])) for order in (0.0, 0.9)
    )
    # Pixels brighter than 2/3 are clipped, and that is the difference.
    assert first[0] == pytest.approx(saturate(contrast(image[0], 0.5), 1.0), abs=1e-6)
    assert last[0] == pytest.approx(contrast(saturate(image[0], 1.0), 0.5), abs=1e-6)
    assert not first.allclose(last)


def test_the_default_ranges_are_the_published_ones() -> None:
    ranges = DistortionSettings()
    assert (ranges.brightness * 255, ranges.contrast, ranges.saturation, ranges.hue) == (32.0, 0.5, 0.5, 18.0)
    pixel = torch.full((1, 3, 1, 1), 0.5)
    most = torch.tensor([[0.0, 0.9, 0.9, 0.9, 1.0, 0.5, 0.5, 0.5, 0.0]])
    assert distort(pixel, DistortionSettings(probability=0.5), most) == pytest.approx(0.5 + 32 / 255)


def test_contrast_multiplies_and_lightening_adds_within_the_range_of_a_pixel() -> None:
    image = random_images(1)[0]
    assert contrast(image, 0.5) == pytest.approx((1.5 * image).clamp(max=1))
    assert contrast(image, -1.0) == pytest.approx(torch.zeros_like(image))
    assert lighten(image, -0.125) == pytest.approx((image - 0.125).clamp(min=0))


def test_clahe_equals_opencv_s_on_every_channel() -> None:
    image = random_images(1)[0]
    whole = (image * 255).round().to(torch.uint8).numpy()
    settings = ClaheSettings(clip_limit=3.0, grid=(2, 4))
    # OpenCV names tiles across first.
    oracle = cv2.createCLAHE(clipLimit=3.0, tileGridSize=(4, 2))
    expected = np.stack([oracle.apply(np.ascontiguousarray(channel)) for channel in whole])
    assert (equalize(image, settings) * 255).round().numpy() == pytest.approx(expected)


def test_gray_is_the_luma_of_red_green_and_blue_in_this_order() -> None:
    image = random_images(1)[0]
    grayed = gray(image)
    bytes_of = (image * 255).round().permute(1, 2, 0).to(torch.uint8).numpy()
    assert (grayed[0] * 255).numpy() == pytest.approx(mmcv.rgb2gray(bytes_of), abs=1.01)
    # torchvision rounds the first weight to 0.2989.
    assert grayed == pytest.approx(transforms.rgb_to_grayscale(image, 3), abs=2e-4)
    red = gray(torch.tensor([1.0, 0.0, 0.0]).view(3, 1, 1))
    assert red.flatten().tolist() == pytest.approx([0.299] * 3)


@pytest.mark.parametrize("gamma", [0.5, 1.0, 2.2])
def test_gamma_equals_a_table_of_bytes(gamma: float) -> None:
    ramp = torch.arange(256.0).expand(3, 1, 256)[None] / 255
    style = StyleSettings.model_validate({"gamma": {"probability": 1.0, "lowest": gamma, "highest": gamma}})
    table = np.array([round((byte / 255) ** (1 / gamma) * 255) for byte in range(256)], np.uint8)
    curved = restyle(as_batch(ramp), style, seeded()).images
    looked_up = mmcv.lut_transform(np.arange(256, dtype=np.uint8)[None], table)
    assert (curved[0, 0] * 255).round().numpy() == pytest.approx(looked_up)


def test_gammas_are_drawn_evenly_in_their_logarithm() -> None:
    style = StyleSettings.model_validate({"gamma": {"probability": 1.0, "lowest": 0.5, "highest": 2.0}})
    curved = restyle(as_batch(torch.full((400, 3, 1, 1), 0.5)), style, seeded()).images[:, 0, 0, 0]
    exponents = torch.log(math.log(0.5) / torch.log(curved)) / math.log(2)
    assert exponents.min() == pytest.approx(-1.0, abs=0.02)
    assert exponents.max() == pytest.approx(1.0, abs=0.02)
    # Four standard deviations of the mean of 400 numbers that are even in [-1, 1].
    assert exponents.mean() == pytest.approx(0.0, abs=0.12)


SWITCHES: dict[str, dict[str, object]] = {
    "distortion": {"distortion": {"probability": 1.0}},
    "clahe": {"clahe": {"probability": 1.0, "grid": [2, 2]}},
    "gray": {"gray_probability": 1.0},
    "gamma": {"gamma": {"probability": 1.0, "lowest": 0.5, "highest": 0.6}},
}


@pytest.mark.parametrize("switch", SWITCHES)
def test_a_certain_change_changes_every_frame_within_the_range_of_a_pixel_and_no_label(switch: str) -> None:
    batch = as_batch(random_images(6))
    before = batch.images.clone()
    changed = restyle(batch, StyleSettings.model_validate(SWITCHES[switch]), seeded())
    assert (changed.images != before).flatten(1).any(dim=1).all()
    assert batch.images.equal(before)
    assert changed.labels.equal(batch.labels)
    assert changed.images.min() >= 0.0
    assert changed.images.max() <= 1.0 + 1e-6


@pytest.mark.parametrize("switch", [None, *SWITCHES])
def test_a_generator_ends_alike_whatever_the_settings_and_off_is_the_frame_itself(switch: str | None) -> None:
    batch, generator, other = as_batch(random_images(3)), seeded(1), seeded(1)
    style = StyleSettings.model_validate(SWITCHES.get(switch or "", {}))
    changed = restyle(batch, style, generator)
    off = restyle(batch, StyleSettings(), other)
    assert generator.get_state().equal(other.get_state())
    assert off.images.equal(batch.images)
    assert changed.images.equal(batch.images) == (switch is None)


def test_changes_are_drawn_frame_by_frame_and_independently() -> None:
    frames = torch.rand(300, 3, 2, 2, generator=seeded())
    style = {"gray_probability": 0.5, "gamma": {"probability": 0.5, "lowest": 2.0, "highest": 2.0}}
    changed = restyle(as_batch(frames), StyleSettings.model_validate(style), seeded()).images
    grayed = (changed[:, 0] == changed[:, 1]).flatten(1).all(dim=1)
    curved = (changed > torch.where(grayed[:, None, None, None], torch.stack(list(map(gray, frames))), frames)).any(3)
    curved = curved.flatten(1).all(dim=1)
    # Four standard deviations of a half among 300.
    assert grayed.float().mean() == pytest.approx(0.5, abs=0.116)
    assert curved.float().mean() == pytest.approx(0.5, abs=0.116)
    assert curved[grayed].float().mean() == pytest.approx(0.5, abs=0.17)
