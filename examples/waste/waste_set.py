"""Writes a small set of waste on a belt, in COCO format, as competitions of recyclable-waste segmentation publish it.

python examples/waste/waste_set.py FOLDER writes FOLDER/day and FOLDER/evening, 200 images each.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from pycocotools import mask as masks

CATEGORIES = (
    *("General trash", "Paper", "Paper pack", "Metal", "Glass"),
    *("Plastic", "Styrofoam", "Plastic bag", "Battery", "Clothing"),
)
CLASSES = ["Background", *CATEGORIES]
SIZE = (64, 96)
"""Height and width of the images."""


def write_waste(root: Path, count: int, *, dark: bool = False, seed: int = 0) -> Path:
    """Writes `count` images and their annotations, and returns the file of the annotations.

    Objects are polygons, every fourth one a compressed mask; the colors tell the categories. Dark images have less
    light and another hue.
    """
    generator = np.random.default_rng(seed)
    (root / "batch_01").mkdir(parents=True, exist_ok=True)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for number in range(count):
        picture = Image.new("RGB", SIZE[::-1], (90, 92, 95))
        pen = ImageDraw.Draw(picture)
        for _ in range(generator.integers(0, 5)):
            category = int(generator.integers(len(CATEGORIES)))
            corners = _corners(generator)
            pen.polygon(corners, fill=color(category))
            polygon = [float(side) for corner in corners for side in corner]
            annotations.append(_annotation(len(annotations), number, category, polygon))
        pixels = np.asarray(picture) + generator.normal(0, 6, (*SIZE, 3))
        pixels = pixels * [0.55, 0.6, 0.75] if dark else pixels
        name = f"batch_01/{number:04}.jpg"
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(root / name, quality=95)
        images.append({"license": 0, "file_name": name, "width": SIZE[1], "height": SIZE[0], "id": number})
    categories = [{"id": place, "name": name, "supercategory": name} for place, name in enumerate(CATEGORIES)]
    path = root / "train.json"
    content = {"info": {"year": 2021}, "images": images, "categories": categories, "annotations": annotations}
    path.write_text(json.dumps(content))
    return path


def color(category: int) -> tuple[int, int, int]:
    """Returns the color of the objects of a category."""
    return 40 + 21 * category, 250 - 23 * category, 97 * (category + 1) % 255


def _corners(generator: np.random.Generator) -> list[tuple[int, int]]:
    x, y = int(generator.integers(0, 70)), int(generator.integers(0, 44))
    width, height = int(generator.integers(14, 26)), int(generator.integers(12, 20))
    return [(x, y), (x + width, y + 2), (x + width - 3, y + height), (x + 2, y + height)]


def _annotation(number: int, image: int, category: int, polygon: list[float]) -> dict[str, Any]:
    packed = masks.frPyObjects([polygon], *SIZE)[0]
    masked = {"size": list(SIZE), "counts": packed["counts"].decode()}
    return {
        "id": number,
        "image_id": image,
        "category_id": category,
        "area": float(masks.area(packed)),
        "bbox": [float(side) for side in masks.toBbox(packed)],
        "iscrowd": int(number % 4 == 3),
        "segmentation": masked if number % 4 == 3 else [polygon],
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    write_waste(folder / "day", 200)
    write_waste(folder / "evening", 200, dark=True, seed=1)
