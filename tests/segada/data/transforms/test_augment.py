"""Augmentation against torchvision, its probabilities and its generator."""

import colorsys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torchvision.transforms.v2 import functional as transforms

from segada.data.batch import Batch
from segada.data.transforms.augment import blur, crop_and_flip, jitter, jitter_and_blur, shift_hue
from segada.settings.learning import ColorSettings


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_images(count: int, seed: int = 0) -> Tensor:
    """Noise with black, white, gray and pure colors in it, where hue is hard."""
    images = torch.rand(count, 3, 16, 24, generator=seeded(seed))
    images[:, :, 0, 0], images[:, :, 0, 1], images[:, :, 0, 2] = 0.0, 1.0, 0.5
    images[:, :, 1, :3] = torch.eye(3)
    return images


@settings(max_examples=40, deadline=None)
@given(st.floats(-0.5, 0.5), st.integers(0, 99))
def test_shift_hue_equals_torchvision(turns: float, seed: int) -> None:
    image = random_images(1, seed)[0]

    torch.testing.assert_close(shift_hue(image, turns), transforms.adjust_hue(image, turns), rtol=0, atol=5e-6)


def test_jitter_makes_torchvision_s_adjustments_in_the_given_order() -> None:
    images = random_images(2)
    order = torch.tensor([[0.4, 0.1, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4]])
    amounts = torch.tensor([[1.0, 0.0, 0.75, 1.0], [0.0, 1.0, 0.5, 0.25]])

    jittered = jitter(images, order, amounts, torch.tensor([0.2, 0.8]))

    # Factors are 1 + (2 amount - 1) strength; the hue's range ends at half the circle.
    first = transforms.adjust_saturation(transforms.adjust_contrast(images[0], 0.8), 1.1)
    first = transforms.adjust_brightness(transforms.adjust_hue(first, 0.2), 1.2)
    second = transforms.adjust_contrast(transforms.adjust_brightness(images[1], 0.2), 1.8)
    second = transforms.adjust_hue(second, -0.25)
    torch.testing.assert_close(jittered, torch.stack([first, second]), rtol=0, atol=5e-6)


def test_jitter_of_kornia_adds_brightness_and_multiplies_contrast_without_the_mean() -> None:
    images = random_images(2, 1)
    order = torch.tensor([[0.1, 0.2, 0.3, 0.4], [0.4, 0.3, 0.2, 0.1]])
    amounts = torch.tensor([[1.0, 0.0, 0.75, 0.5], [0.0, 1.0, 0.25, 1.0]])

    jittered = jitter(images, order, amounts, torch.tensor([0.2, 0.4]), "kornia")

    def saturated(image: Tensor, factor: float) -> Tensor:
        pixels = [colorsys.rgb_to_hsv(*color) for color in image.flatten(1).T.tolist()]
        back = [colorsys.hsv_to_rgb(hue, min(1.0, factor * share), value) for hue, share, value in pixels]
        return torch.tensor(back).T.reshape(image.shape)

    first = saturated(((images[0] + 0.2).clamp(0, 1) * 0.8).clamp(0, 1), 1.1)
    second = saturated(transforms.adjust_hue(images[1], 0.4), 0.8)
    second = ((second * 1.4).clamp(0, 1) - 0.4).clamp(0, 1)
    torch.testing.assert_close(jittered, torch.stack([first, second]), rtol=0, atol=5e-6)


def test_a_dark_frame_is_brightened_by_a_sum_in_kornia_and_by_a_product_in_torchvision() -> None:
    dark = torch.full((1, 3, 8, 8), 0.148)
    only_brightness = torch.tensor([[1.0, 0.5, 0.5, 0.5]])
    order, strength = torch.arange(4.0)[None], torch.tensor([0.2])
    means = [jitter(dark, order, only_brightness, strength, name).mean() for name in ("kornia", "torchvision")]
    torch.testing.assert_close(torch.stack(means), torch.tensor([0.348, 0.148 * 1.2]))


def test_blur_equals_torchvision_and_leaves_the_others_alone() -> None:
    images = random_images(3)

    blurred = blur(images, torch.tensor([0.3, 0.7, 1.15]), torch.tensor([True, False, True]))

    for index, sigma in ((0, 0.3), (2, 1.15)):
        expected = transforms.gaussian_blur(images[index], [7, 7], [sigma, sigma])
        torch.testing.assert_close(blurred[index], expected, rtol=0, atol=1e-6)
    assert blurred[1].equal(images[1])


def color(jitter_probability: float, blur_probability: float, strength: float = 0.2) -> ColorSettings:
    return ColorSettings(jitter=strength, jitter_probability=jitter_probability, blur_probability=blur_probability)


@pytest.mark.parametrize("off", [color(0.0, 0.0), color(1.0, 0.0, strength=0.0)])
def test_what_is_off_changes_nothing(off: ColorSettings) -> None:
    images = random_images(8)

    assert jitter_and_blur(images, off, seeded()).equal(images)


@pytest.mark.parametrize("always", [color(1.0, 0.0), color(0.0, 1.0), color(1.0, 1.0, strength=1.0)])
def test_what_is_certain_changes_every_image_within_its_range(always: ColorSettings) -> None:
    images = random_images(8)
    before = images.clone()

    changed = jitter_and_blur(images, always, seeded())

    assert (changed != images).flatten(1).any(dim=1).all()
    assert images.equal(before)
    assert changed.min() >= 0.0
    assert changed.max() <= 1.0 + 1e-6


def test_probabilities_are_shares_of_images() -> None:
    images = random_images(400)

    blurred = jitter_and_blur(images, color(0.0, 0.25), seeded())

    # Four standard deviations of 0.25 among 400: fails by chance once in 15000 seeds.
    share = (blurred != images).flatten(1).any(dim=1).float().mean().item()
    assert share == pytest.approx(0.25, abs=0.087)


def test_brightness_and_sigma_are_drawn_from_their_whole_ranges_and_independently() -> None:
    images = torch.zeros(400, 3, 9, 9)
    images[:, :, 4, 4] = 0.5

    brightness = jitter_and_blur(images, color(1.0, 0.0), seeded())[:, 0, 4, 4] / 0.5
    spread = jitter_and_blur(images, color(0.0, 1.0), seeded())[:, 0, 4]

    # Contrast leaves a point alone but for a 160th; a Gaussian falls by exp(-1 / (2 sigma^2)) in the first pixel.
    sigmas = (-0.5 / torch.log(spread[:, 5] / spread[:, 4])).sqrt()
    assert 0.15 - 1e-3 <= sigmas.min() < 0.2
    assert 1.1 < sigmas.max() <= 1.15 + 1e-3
    assert brightness.std() > 0.05
    assert abs(torch.corrcoef(torch.stack([brightness, sigmas]))[0, 1]) < 0.2


def test_what_is_jittered_says_nothing_about_what_is_blurred() -> None:
    images = random_images(400)

    jittered, blurred = (
        (jitter_and_blur(images, chances, seeded()) != images).flatten(1).any(dim=1).float()
        for chances in (color(0.5, 0.0), color(0.0, 0.5))
    )

    # Four standard deviations of a correlation of nothing among 400.
    assert abs(torch.corrcoef(torch.stack([jittered, blurred]))[0, 1]) < 0.2


def test_equal_generators_give_equal_images_and_end_equal_whatever_the_settings() -> None:
    images = random_images(4)
    first, second, third = seeded(3), seeded(3), seeded(3)

    assert jitter_and_blur(images, color(0.8, 0.5), first).equal(jitter_and_blur(images, color(0.8, 0.5), second))
    jitter_and_blur(images, color(0.0, 0.0), third)
    assert first.get_state().equal(second.get_state())
    assert first.get_state().equal(third.get_state())


def ramp(count: int) -> Batch:
    """Frames whose red is the column, whose green is the row, and whose label is the column."""
    columns, rows = torch.arange(48), torch.arange(32)
    image = torch.stack([(columns / 47).expand(32, 48), (rows / 31)[:, None].expand(32, 48), torch.zeros(32, 48)])
    return Batch(image.repeat(count, 1, 1, 1), columns.expand(count, 32, 48).contiguous())


def test_crop_keeps_labels_on_their_pixels() -> None:
    cropped = crop_and_flip(ramp(16), 0.4, 0.5, seeded())

    # The nearest column is at most half a column from the interpolated one.
    assert ((cropped.images[:, 0] * 47 - cropped.labels).abs() <= 0.5 + 1e-4).all()
    assert cropped.labels.dtype == torch.int64
    assert cropped.images.shape == (16, 3, 32, 48)


def test_crops_differ_keep_the_shape_of_the_frame_and_are_not_too_small() -> None:
    cropped = crop_and_flip(ramp(64), 0.5, 0.0, seeded())

    widths = (cropped.images[:, 0].amax(dim=(1, 2)) - cropped.images[:, 0].amin(dim=(1, 2))) * 47 + 1
    heights = (cropped.images[:, 1].amax(dim=(1, 2)) - cropped.images[:, 1].amin(dim=(1, 2))) * 31 + 1
    assert len(widths.round().unique()) > 10
    assert widths.min() >= 23
    assert (widths / 48 - heights / 32).abs().max() <= 0.04


def test_the_whole_frame_without_flips_is_the_frame_and_with_flips_its_mirror_image() -> None:
    batch = Batch(random_images(3), torch.randint(0, 19, (3, 16, 24), generator=seeded()))

    same, mirrored = (crop_and_flip(batch, 1.0, probability, seeded()) for probability in (0.0, 1.0))

    assert same.images.equal(batch.images)
    assert same.labels.equal(batch.labels)
    assert mirrored.images.equal(batch.images.flip(-1))
    assert mirrored.labels.equal(batch.labels.flip(-1))


def test_crops_bring_no_label_that_the_frame_did_not_have() -> None:
    labels = torch.tensor([0, 7, 18, 255])[torch.randint(0, 4, (6, 16, 24), generator=seeded())]

    cropped = crop_and_flip(Batch(random_images(6), labels), 0.3, 0.5, seeded())

    assert set(cropped.labels.unique().tolist()) <= {0, 7, 18, 255}
