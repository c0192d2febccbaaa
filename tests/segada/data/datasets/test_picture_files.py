"""Reading of image files of many kinds, and errors."""

import struct
import zlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segada.data.datasets.number_files import read_numbers
from segada.data.datasets.picture_files import read_image
from segada.data.frames import UnreadableFrame

COLORS = np.random.default_rng(0).integers(0, 256, (8, 12, 3), dtype=np.uint8)
NUMBERS = np.random.default_rng(1).integers(0, 20, (8, 12), dtype=np.uint8)


def saved(picture: Image.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)
    return path


def few_bits(path: Path, bits: int, numbers: np.ndarray) -> Path:
    """A gray PNG with less than 8 bits a pixel, which no library at hand writes."""
    per_byte = 8 // bits
    shifts = np.arange(per_byte)[::-1] * bits
    packed = (numbers.reshape(len(numbers), -1, per_byte).astype(np.uint8) << shifts.astype(np.uint8)).sum(2)
    rows = b"".join(b"\0" + row.astype(np.uint8).tobytes() for row in packed)

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", numbers.shape[1], len(numbers), bits, 0, 0, 0, 0)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    return path


def test_images_come_as_red_green_blue_from_any_kind_of_file(tmp_path: Path) -> None:
    opaque = np.dstack([COLORS, np.full((8, 12), 255, np.uint8)])
    indexed = Image.fromarray(COLORS).quantize(256)

    np.testing.assert_array_equal(read_image(saved(Image.fromarray(COLORS), tmp_path / "rgb.png")), COLORS)
    np.testing.assert_array_equal(read_image(saved(Image.fromarray(opaque), tmp_path / "rgba.png")), COLORS)
    np.testing.assert_array_equal(
        read_image(saved(indexed, tmp_path / "indexed.png")), np.asarray(indexed.convert("RGB"))
    )
    gray = read_image(saved(Image.fromarray(COLORS[..., 0]), tmp_path / "gray.png"))
    np.testing.assert_array_equal(gray, np.repeat(COLORS[..., :1], 3, axis=2))


def test_an_image_that_is_transparent_in_places_is_refused(tmp_path: Path) -> None:
    opacity = np.full((8, 12), 255, np.uint8)
    opacity[3, 4] = 254

    with pytest.raises(ValueError, match=r"rgba\.png is transparent in places, .*; write images without opacity"):
        read_image(saved(Image.fromarray(np.dstack([COLORS, opacity])), tmp_path / "rgba.png"))


def test_an_image_of_16_bits_is_refused(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "deep.png"), COLORS.astype(np.uint16) * 16)

    with pytest.raises(ValueError, match=r"deep\.png has 16 bits a channel; write images with 8"):
        read_image(tmp_path / "deep.png")


@pytest.mark.parametrize("bits", [8, 4])
def test_indexed_labels_are_their_indices_and_not_their_colors(tmp_path: Path, bits: int) -> None:
    numbers = np.minimum(NUMBERS, 2**bits - 1)
    indexed = Image.fromarray(numbers)
    indexed.putpalette([(91 * index) % 256 for index in range(3 * 2**bits)])

    np.testing.assert_array_equal(read_numbers(saved(indexed, tmp_path / "it.png", bits=bits)), numbers)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_gray_labels_of_few_bits_are_not_scaled(tmp_path: Path, bits: int) -> None:
    numbers = (NUMBERS % 2**bits)[:, :8]

    np.testing.assert_array_equal(read_numbers(few_bits(tmp_path / "it.png", bits, numbers)), numbers)


def test_labels_of_16_bits_are_read_if_their_numbers_are_ids(tmp_path: Path) -> None:
    assert cv2.imwrite(str(tmp_path / "it.png"), NUMBERS.astype(np.uint16) * 300)

    np.testing.assert_array_equal(read_numbers(tmp_path / "it.png"), NUMBERS.astype(np.uint16) * 300)


@pytest.mark.parametrize("channel", [0, 1, 2])
@pytest.mark.parametrize("opaque", [True, False])
def test_a_channel_is_counted_from_red(tmp_path: Path, channel: int, *, opaque: bool) -> None:
    layers = COLORS if opaque else np.dstack([COLORS, COLORS[..., 0] // 2])
    path = saved(Image.fromarray(layers), tmp_path / "it.png")

    np.testing.assert_array_equal(read_numbers(path, channel), COLORS[..., channel])


def test_labels_in_colors_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it\.png has shape \(8, 12, 3\): colors, not ids; write ids in one channel"):
        read_numbers(saved(Image.fromarray(COLORS), tmp_path / "it.png"))
    rgba = np.dstack([COLORS, COLORS[..., 0]])
    with pytest.raises(ValueError, match=r"it\.png has shape \(8, 12, 4\)"):
        read_numbers(saved(Image.fromarray(rgba), tmp_path / "it.png"))


def test_labels_in_a_jpeg_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it\.jpg is a JPEG, which does not keep numbers; write labels as PNG"):
        read_numbers(saved(Image.fromarray(NUMBERS), tmp_path / "it.jpg"))


@pytest.mark.parametrize("suffix", [".png", ".jpg"])
@pytest.mark.parametrize(
    ("keep", "said"), [(0, "has no content"), (40, "an image that can be read"), (-8, "is cut off, .* copy it anew")]
)
def test_damaged_files_say_so(tmp_path: Path, suffix: str, keep: int, said: str) -> None:
    path = saved(Image.fromarray(COLORS), tmp_path / f"it{suffix}")
    path.write_bytes(path.read_bytes()[:keep])

    with pytest.raises(UnreadableFrame, match=said) as failure:
        read_image(path)
    assert failure.value.path == path


def test_bytes_that_changed_on_the_way_are_noticed(tmp_path: Path) -> None:
    path = saved(Image.fromarray(NUMBERS), tmp_path / "it.png")
    content = bytearray(path.read_bytes())
    content[60] ^= 0xFF
    path.write_bytes(content)

    with pytest.raises(UnreadableFrame, match="is not an image that can be read"):
        read_numbers(path)


def test_a_file_that_went_away_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFrame, match=r"gone\.png cannot be read \(No such file or directory\)"):
        read_image(tmp_path / "gone.png")
