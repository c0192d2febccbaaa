"""Labels in files of many types of numbers, and the ids that a map allows."""

import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segada.data.datasets.label_maps import LABEL_IDS, TRAIN_IDS, GivenIds
from segada.data.datasets.number_files import read_numbers
from segada.data.datasets.picture_files import kind_of_image, read_image
from segada.settings.class_sets import CITYSCAPES
from segada.settings.domains import FoldersDomain

NUMBERS = np.random.default_rng(1).integers(0, 19, (8, 12), dtype=np.uint8)


def tiff(path: Path, numbers: np.ndarray) -> Path:
    assert cv2.imwrite(str(path), numbers)
    return path


@pytest.mark.parametrize("kind", ["uint8", "int8", "uint16", "int16", "int32", "float32", "float64"])
def test_whole_numbers_of_every_type_are_read(tmp_path: Path, kind: str) -> None:
    path = tiff(tmp_path / "it.tif", NUMBERS.astype(kind))

    assert read_numbers(path).dtype.kind in "iu"
    np.testing.assert_array_equal(TRAIN_IDS.into(CITYSCAPES).read(path), NUMBERS)


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif"])
def test_labels_of_one_bit_are_0_and_1(tmp_path: Path, suffix: str) -> None:
    Image.fromarray(NUMBERS > 9).save(tmp_path / f"it.{suffix}")

    np.testing.assert_array_equal(read_numbers(tmp_path / f"it.{suffix}"), NUMBERS > 9)


@pytest.mark.parametrize(
    ("value", "said"), [(0.5, "0.5"), (np.nan, "nan"), (np.inf, "inf"), (-3.4e38, r"-3.4e\+38")], ids=str
)
def test_the_first_number_that_is_not_whole_is_named(tmp_path: Path, value: float, said: str) -> None:
    numbers = NUMBERS.astype(np.float32)
    numbers[3, 4:6] = value
    path = tiff(tmp_path / "it.tif", numbers)

    with pytest.raises(
        ValueError, match=rf"it\.tif has {said} in row 3, column 4, and 1 more numbers that are not whole"
    ):
        TRAIN_IDS.into(CITYSCAPES).read(path)


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "float32"])
def test_a_negative_id_is_refused_or_what_the_map_says(tmp_path: Path, kind: str) -> None:
    numbers = NUMBERS.astype(kind)
    numbers[0, 0] = -1
    path = tiff(tmp_path / "it.tif", numbers)
    plain = {str(number): [number] for number in range(19)}

    for given in (TRAIN_IDS, LABEL_IDS, GivenIds({"road": [255], "sky": list(range(19))})):
        with pytest.raises(
            ValueError, match=r"has id -1 at 1 pixels, but these files .*; if it is right, name it in classes"
        ):
            given.into(CITYSCAPES).read(path)
    assert GivenIds({**plain, "255": [-1]}).into(CITYSCAPES).read(path)[0, 0] == 255
    assert GivenIds({**plain, "ignore": [255]}, others_ignored=True).into(CITYSCAPES).read(path)[0, 0] == 255
    np.testing.assert_array_equal(GivenIds({**plain, "ignore": [-1]}).into(CITYSCAPES).read(path)[1:], NUMBERS[1:])


@pytest.mark.parametrize("number", [-(2**31), -9999, 70000, 2**31 - 1])
def test_ids_far_outside_are_looked_up_without_a_table(tmp_path: Path, number: int) -> None:
    numbers = NUMBERS.astype(np.int32)
    numbers[0, 0] = number
    path = tiff(tmp_path / "it.tif", numbers)

    with pytest.raises(ValueError, match=f"id {number} at 1 pixels"):
        TRAIN_IDS.into(CITYSCAPES).read(path)
    assert GivenIds({"road": list(range(19)), "ignore": [number]}).into(CITYSCAPES).read(path)[0, 0] == 255


def test_settings_may_name_negative_ids() -> None:
    domain = FoldersDomain.model_validate(
        {"dataset": "folders", "images": "a/*.png", "labels": "b/*.tif", "classes": {"ignore": [-1, -9999]}}
    )

    assert tuple(domain.classes["ignore"]) == (-1, -9999)


@pytest.mark.parametrize(("mode", "channels", "channel"), [("L", 1, 1), ("P", 1, 2), ("LA", 2, 2), ("RGB", 3, 3)])
def test_a_channel_that_a_file_lacks_is_refused_with_its_number_of_channels(
    tmp_path: Path, mode: str, channels: int, channel: int
) -> None:
    Image.fromarray(NUMBERS).convert(mode).save(tmp_path / "it.png")

    with pytest.raises(ValueError, match=rf"it\.png has {channels} channels?, .*but channel is {channel}"):
        read_numbers(tmp_path / "it.png", channel)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_ids_beside_opacity_are_not_changed_by_it(tmp_path: Path, suffix: str) -> None:
    opacity = np.full((8, 12), 100, np.uint8)
    Image.fromarray(np.dstack([NUMBERS, NUMBERS, NUMBERS, opacity])).save(tmp_path / f"it.{suffix}")

    np.testing.assert_array_equal(read_numbers(tmp_path / f"it.{suffix}", 0), NUMBERS)


def test_numbers_that_a_gif_renumbered_are_refused(tmp_path: Path) -> None:
    Image.fromarray(NUMBERS + np.uint8(5)).save(tmp_path / "it.gif")

    with pytest.raises(ValueError, match=r"it\.gif is a GIF, which does not keep numbers; write labels as PNG"):
        read_numbers(tmp_path / "it.gif")


def test_gray_with_white_as_0_is_refused(tmp_path: Path) -> None:
    Image.fromarray(NUMBERS > 9).save(tmp_path / "it.pbm")

    with pytest.raises(ValueError, match=r"it\.pbm stores white as 0"):
        read_numbers(tmp_path / "it.pbm")


FILES = [
    (suffix, mode)
    for suffix in ("png", "tif", "bmp", "webp", "gif", "jp2", "ppm", "jpg")
    for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I", "F")
]


def changed(content: bytes, rng: np.random.Generator) -> bytes:
    """The content with up to three faults, most of them in the header."""
    it = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(0, min(len(it), int(rng.choice([16, 64, 256, 10**6])))))
        match rng.integers(0, 4):
            case 0:
                it[at] = int(rng.integers(0, 256))
            case 1 if at:
                del it[at:]
            case 2:
                it[at : at + 4] = b"\xff\xff\xff\xff"
            case _:
                it[at : at + 4] = b"\0\0\0\0"
    return bytes(it)


def problem_of(read: Callable[[Path], object], path: Path) -> str:
    try:
        read(path)
    except ValueError as failure:
        return str(failure)
    return str(path)


@pytest.mark.parametrize(("suffix", "mode"), FILES)
def test_whatever_a_file_holds_the_error_is_one_line_about_it(tmp_path: Path, suffix: str, mode: str) -> None:
    path, rng = tmp_path / f"it.{suffix}", np.random.default_rng(0)
    try:
        Image.fromarray(NUMBERS).convert(mode).save(path)
    except (OSError, ValueError):
        pytest.skip("no such file is written")
    content = path.read_bytes()
    for number in range(12):
        path.write_bytes(changed(content, rng) if number else content)
        for read in (
            read_image,
            read_numbers,
            lambda it: read_numbers(it, 1),
            TRAIN_IDS.into(CITYSCAPES).read,
            kind_of_image,
        ):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                problem = problem_of(read, path)
            assert str(path) in problem
            assert "\n" not in problem
