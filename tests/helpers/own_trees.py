"""Small data sets as people have them: cracks with masks, fields with a table of colors, pictures in one folder."""

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from published_trees import Array, write

SIZE = (48, 64)
"""Height and width of the pictures."""
CROPS = {"soil": (0, 0, 0), "crop": (255, 0, 0), "weed": (0, 255, 0)}


def blocks(number: int, values: Sequence[int], size: tuple[int, int] = SIZE) -> Array:
    """Returns fields of all values, other ones for each number."""
    coarse = np.random.default_rng(number).permutation(np.resize(np.array(values, np.uint8), 24)).reshape(4, 6)
    return np.asarray(cv2.resize(coarse, size[::-1], interpolation=cv2.INTER_NEAREST), np.uint8)


def photo(number: int, labels: Array, light: float = 1.0) -> Array:
    """Returns a noisy picture in which each value of the labels has a gray of its own."""
    gray = 60.0 + 37.0 * (labels.astype(float) % 5)
    noise = np.random.default_rng(number).normal(0, 9, (*labels.shape, 3))
    return np.asarray(((gray[..., None] + noise) * light).clip(0, 255), np.uint8)


def write_cracks(root: Path) -> None:
    """Writes masks of 0 and 255 of two places, `train` and `val` apart."""
    for place, light in (("road", 1.0), ("tunnel", 0.5)):
        for part, count in (("train", 10), ("val", 8)):
            for number in range(count):
                mask = blocks(number, (0, 0, 0, 255))
                write(root / place / part / "images" / f"{number}.jpg", photo(number, mask, light))
                write(root / place / part / "masks" / f"{number}.png", mask)


def write_fields(root: Path) -> None:
    """Writes colors with a table, a folder for each weather."""
    colors = np.array(list(CROPS.values()), np.uint8)
    for weather in ("rainy", "sunny"):
        for number in range(12):
            labels = blocks(number, range(3))
            write(root / "JPEGImages" / weather / f"{number}.jpg", photo(number, labels))
            write(root / "SegmentationClass" / weather / f"{number}.png", colors[labels][..., ::-1])
    rows = [f"{name},{red},{green},{blue}" for name, (red, green, blue) in CROPS.items()]
    (root / "class_dict.csv").write_text("\n".join(["name,r,g,b", *rows]))


def write_one_folder(root: Path) -> None:
    """Writes images of three sizes and their masks of the ids 1 to 3 and 255 into one folder."""
    for number in range(16):
        labels = blocks(number, (1, 2, 3, 255), ((48, 64), (60, 80), (72, 96))[number % 3])
        write(root / f"{number:03}.png", photo(number, labels))
        write(root / f"{number:03}_mask.png", labels)
