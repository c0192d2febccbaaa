"""Measured depth: formula, filling of holes, and weather rendered by it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from loaded_frames import load_domain
from published_trees import CITIES, SIZE, city_names, write, write_cityscapes, write_folders

from segada.data.datasets.measured_depth import DepthFile, measured_depth
from segada.data.weather.depth import FAR, geometric_depth
from segada.errors import InputError
from segada.settings.data import DataSettings, DomainSettings
from segada.settings.loading import LoadingSettings

ROAD, SKY = 0, 10
ESTIMATE = np.full((2, 4), 33.0, np.float32)


def test_disparities_of_cityscapes_become_metres(tmp_path: Path) -> None:
    # metres = baseline * focal length / ((value - 1) / 256)
    values = np.array([[0, 1 + 256, 1 + 40 * 256, 65535]], np.uint16)
    assert cv2.imwrite(str(tmp_path / "it.png"), values)

    nearness = DepthFile(tmp_path / "it.png", units=None).nearness()

    assert nearness[0, 0] == 0
    expected = [0.209313 * 2262.52 / 1, 0.209313 * 2262.52 / 40, 0.209313 * 2262.52 / (65534 / 256)]
    np.testing.assert_allclose(1 / nearness[0, 1:], expected, rtol=1e-6)


def test_depth_files_are_in_units_per_metre(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "it.png"), np.array([[0, 256, 5120]], np.uint16))

    np.testing.assert_allclose(DepthFile(tmp_path / "it.png", units=256).nearness(), [[0, 1, 1 / 20]])


def test_holes_are_as_far_as_the_farther_neighbor_and_open_sky_is_far() -> None:
    nearness = np.array([[1 / 10, 0, 0, 1 / 40], [0, 0, 0, 0]], np.float32)

    road = measured_depth(nearness, np.full((2, 4), ROAD, np.uint8), ESTIMATE, SKY)
    sky = measured_depth(nearness, np.full((2, 4), SKY, np.uint8), ESTIMATE, SKY)

    np.testing.assert_allclose(road, [[10, 40, 40, 40], [33, 33, 33, 33]], rtol=1e-6)
    np.testing.assert_allclose(sky, [[10, FAR, FAR, 40], [FAR, FAR, FAR, FAR]], rtol=1e-6)


def test_what_was_measured_of_a_pixel_is_averaged_as_nearness() -> None:
    nearness = np.kron(np.array([[1 / 10, 1 / 20], [0, 0]], np.float32), np.ones((2, 2), np.float32))
    nearness[0, 0] = 0
    nearness[1, 3] = 1 / 40

    depth = measured_depth(nearness, np.zeros((2, 2), np.uint8), np.full((2, 2), 7.0, np.float32), SKY)

    np.testing.assert_allclose(depth, [[10, 1 / ((3 / 20 + 1 / 40) / 4)], [7, 7]], rtol=1e-6)


def test_nearest_values_are_taken_where_a_frame_is_larger_than_its_depth() -> None:
    depth = measured_depth(np.array([[1 / 8, 1 / 16]], np.float32), np.zeros((2, 4), np.uint8), ESTIMATE, SKY)

    np.testing.assert_allclose(depth, [[8, 8, 16, 16]] * 2, rtol=1e-6)


def fogged(root: Path, domain: DomainSettings, **changes: object) -> np.ndarray:
    domain = type(domain).model_validate({**domain.model_dump(), "weather": "fog75m", **changes})
    loading = LoadingSettings(cache=None, workers=0)
    data = DataSettings(size=SIZE, root=str(root), domains={"it": domain}, loading=loading)
    return load_domain("it", data, "test").images.astype(int)


def write_depth(root: Path, folder: str, suffix: str, value: int) -> None:
    for part in CITIES:
        for name in city_names(part):
            write(root / folder / part / f"{name}{suffix}", np.full(SIZE, value, np.uint16))


def test_fog_follows_disparity_files_if_there_are_any(tmp_path: Path) -> None:
    domain = write_cityscapes(tmp_path)
    geometric = fogged(tmp_path, domain)
    with pytest.raises(InputError, match=r"no files \*/\*_disparity\.png in .*/disparity/val, which depth: disparity"):
        fogged(tmp_path, domain, depth="disparity")

    write_depth(tmp_path, "disparity", "_disparity.png", 1 + 256 * 2)

    # 237 metres in fog of 75 metres: nothing is left but its color and the noise.
    measured = fogged(tmp_path, domain)
    assert measured.std() < 6 < geometric.std()
    np.testing.assert_array_equal(fogged(tmp_path, domain, depth="disparity"), measured)
    np.testing.assert_array_equal(fogged(tmp_path, domain, depth="geometric"), geometric)


def test_a_picture_whose_disparity_is_missing_is_named(tmp_path: Path) -> None:
    domain = write_cityscapes(tmp_path)
    write_depth(tmp_path, "disparity", "_disparity.png", 513)
    (tmp_path / "disparity/val/lindau/lindau_000000_000019_disparity.png").unlink()

    with pytest.raises(InputError, match=r"no depth for .*lindau_000000_000019_leftImg8bit\.png, though there is"):
        fogged(tmp_path, domain)


def test_depth_of_any_folders_is_found_by_a_pattern(tmp_path: Path) -> None:
    domain = write_folders(tmp_path)
    for image in tmp_path.glob("*/camera/*.jpg"):
        write(tmp_path / image.parent.parent.name / "depth" / f"{image.stem}.png", np.full(SIZE, 30000, np.uint16))

    near = fogged(tmp_path, domain, depth="*/depth/*.png", depth_units=30000.0)
    far = fogged(tmp_path, domain, depth="*/depth/*.png", depth_units=100.0)

    assert far.std() < 6 < near.std()


def test_the_estimate_is_that_of_the_layout(tmp_path: Path) -> None:
    domain = write_cityscapes(tmp_path)
    # Above the horizon the estimate rises to the greatest depth, so that fog hides the upper edge.
    depth = geometric_depth(SIZE)

    images = fogged(tmp_path, domain)

    assert depth[0, SIZE[1] // 2] > 400
    assert images[:, 0, SIZE[1] // 2].std() < 8 < images[:, -1, SIZE[1] // 2].std()
