"""Photographs and labels of many formats: orientation, depth, opacity, pages, damage."""

import io
import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from segada.data.datasets.number_files import read_numbers
from segada.data.datasets.picture_files import kind_of_image, read_image
from segada.data.frames import UnreadableFrame

COLORS = cv2.resize(np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8), (96, 64))
NUMBERS = np.random.default_rng(1).integers(0, 19, (64, 96), dtype=np.uint8)
ORIENTATION = 0x112


def saved(pixels: np.ndarray, path: Path, mode: str | None = None, **options: object) -> Path:
    picture = Image.fromarray(pixels)
    (picture if mode is None else picture.convert(mode)).save(path, **options)
    return path


def turned(value: int) -> Image.Exif:
    tag = Image.Exif()
    tag[ORIENTATION] = value
    return tag


def noisy_jpeg() -> bytes:
    noise = np.random.default_rng(2).integers(0, 256, (256, 512, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(noise).save(file, "JPEG", quality=90)
    return file.getvalue()


@pytest.mark.parametrize("value", [2, 3, 6, 8])
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("jpg", {}),
        ("png", {}),
        ("tif", {}),
        ("tif", {"compression": "tiff_lzw"}),
        ("tif", {"big_tiff": True}),
        ("webp", {"lossless": True}),
    ],
)
def test_an_image_is_read_as_stored_whatever_its_orientation_tag(
    tmp_path: Path, suffix: str, options: dict[str, object], value: int
) -> None:
    plain = saved(COLORS, tmp_path / f"plain.{suffix}", **options)
    tagged = saved(COLORS, tmp_path / f"tagged.{suffix}", exif=turned(value), **options)

    np.testing.assert_array_equal(read_image(tagged), read_image(plain))
    assert kind_of_image(tagged).turned
    assert not kind_of_image(plain).turned


@pytest.mark.parametrize("value", [2, 3, 6, 8])
@pytest.mark.parametrize(("suffix", "mode"), [("png", "L"), ("tif", "L"), ("tif", "P"), ("tif", "I"), ("tif", "F")])
def test_labels_are_read_as_stored_whatever_their_orientation_tag(
    tmp_path: Path, suffix: str, mode: str, value: int
) -> None:
    picture = Image.fromarray(NUMBERS)
    if mode == "P":
        picture.putpalette([(91 * index) % 256 for index in range(768)])
    picture.convert(mode).save(tmp_path / f"it.{suffix}", exif=turned(value))

    np.testing.assert_array_equal(read_numbers(tmp_path / f"it.{suffix}"), NUMBERS)


@pytest.mark.parametrize("suffix", ["png", "tif", "jp2", "pnm"])
@pytest.mark.parametrize("gray", [True, False])
def test_an_image_of_16_bits_is_refused_in_every_format(tmp_path: Path, suffix: str, *, gray: bool) -> None:
    deep = (COLORS[..., 0] if gray else COLORS).astype(np.uint16) * 16
    assert cv2.imwrite(str(tmp_path / f"it.{suffix}"), deep)

    with pytest.raises(ValueError, match=rf"it\.{suffix} has 16 bits a channel; write images with 8"):
        read_image(tmp_path / f"it.{suffix}")


def test_an_image_of_floats_is_refused(tmp_path: Path) -> None:
    path = saved(COLORS[..., 0].astype(np.float32), tmp_path / "it.tif")

    with pytest.raises(ValueError, match=r"has 32 bits of the kind float32 a channel; write images with 8"):
        read_image(path)


@pytest.mark.parametrize(
    ("name", "mode"),
    [("a.png", "LA"), ("a.png", "RGBA"), ("a.tif", "LA"), ("a.tif", "RGBA"), ("a.webp", "RGBA"), ("a.jp2", "RGBA")],
)
def test_opacity_is_found_in_every_format(tmp_path: Path, name: str, mode: str) -> None:
    options = {"lossless": True} if name.endswith("webp") else {}
    opacity = np.full(NUMBERS.shape, 255, np.uint8)
    opaque = saved(np.dstack([COLORS, opacity]), tmp_path / f"opaque_{name}", mode, **options)
    opacity[3, 4] = 17
    path = saved(np.dstack([COLORS, opacity]), tmp_path / name, mode, **options)

    assert read_image(opaque).shape == COLORS.shape
    with pytest.raises(ValueError, match=r"is transparent in places"):
        read_image(path)


@pytest.mark.parametrize(("mode", "transparent"), [("P", 3), ("L", 5), ("RGB", (1, 2, 3))])
def test_a_transparent_color_of_a_png_is_found(tmp_path: Path, mode: str, transparent: object) -> None:
    pixels = {"P": NUMBERS, "L": NUMBERS, "RGB": COLORS.copy()}[mode]
    if mode == "RGB":
        pixels[0, 0] = transparent
    picture = Image.fromarray(pixels)
    if mode == "P":
        picture.putpalette(list(range(256)) * 3)
    picture.save(tmp_path / "it.png", transparency=transparent)

    with pytest.raises(ValueError, match=r"is transparent in places"):
        read_image(tmp_path / "it.png")


@pytest.mark.parametrize("name", ["it.jpg", "it.tif"])
def test_the_colors_of_a_printer_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match=r"is in CMYK, the colors of a printer; write images in RGB"):
        read_image(saved(COLORS, tmp_path / name, "CMYK"))


@pytest.mark.parametrize("suffix", ["tif", "webp", "gif", "png"])
def test_a_file_of_several_pictures_is_refused(tmp_path: Path, suffix: str) -> None:
    path = saved(COLORS, tmp_path / f"it.{suffix}", save_all=True, append_images=[Image.fromarray(255 - COLORS)])

    with pytest.raises(ValueError, match=r"holds 2 pictures, as animations and stacks do; write each as a file"):
        read_image(path)


def test_smaller_copies_in_a_tiff_are_no_further_pictures(tmp_path: Path) -> None:
    path = saved(COLORS, tmp_path / "it.tif", save_all=True, append_images=[Image.fromarray(COLORS[::2, ::2].copy())])

    np.testing.assert_array_equal(read_image(path), COLORS)


@pytest.mark.parametrize("fill", [b"\x00", b"\xff", b""])
def test_a_jpeg_with_a_hole_is_unreadable(tmp_path: Path, fill: bytes) -> None:
    content, path = noisy_jpeg(), tmp_path / "it.jpg"
    path.write_bytes(content[:20000] + fill * 4096 + content[24096:])

    with pytest.raises(UnreadableFrame, match=r"it\.jpg is damaged \(.*\), so it is not an image that can be read"):
        read_image(path)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif"])
def test_bytes_after_the_end_of_a_photograph_are_ignored(tmp_path: Path, suffix: str) -> None:
    path = saved(COLORS, tmp_path / f"it.{suffix}")
    before = read_image(path)
    path.write_bytes(path.read_bytes() + b"\0\0\0\x18ftypmp42" + bytes(100_000))

    np.testing.assert_array_equal(read_image(path), before)


def test_zeros_before_the_end_mark_of_a_jpeg_are_padding(tmp_path: Path) -> None:
    content, path = noisy_jpeg(), tmp_path / "it.jpg"
    path.write_bytes(content)
    before = read_image(path)
    path.write_bytes(content[:-2] + bytes(14) + content[-2:])

    np.testing.assert_array_equal(read_image(path), before)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("bmp", {}),
        ("tif", {}),
        ("tif", {"compression": "tiff_lzw"}),
        ("webp", {}),
        ("gif", {}),
        ("jp2", {}),
        ("ppm", {}),
    ],
)
def test_a_cut_off_file_is_unreadable_in_every_format(tmp_path: Path, suffix: str, options: dict[str, object]) -> None:
    path = saved(COLORS, tmp_path / f"it.{suffix}", **options)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])

    with pytest.raises(UnreadableFrame, match="is not an image that can be read"):
        read_image(path)


def test_labels_without_the_end_of_their_png_are_cut_off(tmp_path: Path) -> None:
    ids = np.arange(64 * 96, dtype=np.uint8).reshape(64, 96)
    path = saved(ids, tmp_path / "it.png")
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"IEND")])

    with pytest.raises(UnreadableFrame, match="is cut off"):
        read_numbers(path)


def test_a_hole_in_a_compressed_tiff_is_noticed(tmp_path: Path) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    path = saved(noise, tmp_path / "it.tif", compression="tiff_lzw")
    content = path.read_bytes()
    path.write_bytes(content[:4000] + bytes(2000) + content[6000:])

    with pytest.raises(UnreadableFrame, match="is not an image that can be read"):
        read_image(path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (
            b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n",
            "is a pointer of Git LFS.*git lfs pull",
        ),
        (b"/annex/objects/SHA256E-s1--00.png\n", "is a pointer of git-annex.*git annex get"),
        (b"\n<!DOCTYPE html><html>sign in</html>", "is a web page, not the file itself"),
    ],
)
def test_what_stands_in_for_a_file_is_named(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "it.png").write_bytes(content)

    for read in (read_image, read_numbers):
        with pytest.raises(UnreadableFrame, match=said):
            read(tmp_path / "it.png")


def test_a_file_that_declares_another_scale_is_refused(tmp_path: Path) -> None:
    (tmp_path / "it.pgm").write_bytes(b"P5\n96 64\n19\n" + NUMBERS.tobytes())

    for read in (read_image, read_numbers):
        with pytest.raises(ValueError, match="declares 19 as its greatest number"):
            read(tmp_path / "it.pgm")


def test_a_png_that_only_claims_to_be_large_is_refused_in_one_line(tmp_path: Path) -> None:
    content = bytearray(saved(COLORS, tmp_path / "it.png").read_bytes())
    content[16:24] = struct.pack(">II", 40_000, 40_000)
    (tmp_path / "it.png").write_bytes(content)

    for read in (read_image, read_numbers):
        with pytest.raises(ValueError, match=r"it\.png"):
            read(tmp_path / "it.png")
