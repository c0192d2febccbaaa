"""Writes frames of the procedural streets as files for the program beside it, which knows neither us nor our data.

python examples/external_engine/frames.py FOLDER writes FOLDER/DOMAIN/SPLIT/NUMBER.jpg, and labels beside them as .png.
"""

import sys
from pathlib import Path

from PIL import Image

from segada.data.datasets.registry import open_domain
from segada.data.splits import Split
from segada.settings import RunSettings

COUNTS: dict[Split, int] = {"source": 48, "adapt": 32, "val": 12, "test": 12}
SETTINGS = {"data": {"size": [48, 96], "splits": COUNTS}}


def write_frames(root: Path) -> None:
    """Writes all splits of three domains, 48 x 96 pixels each."""
    data = RunSettings.model_validate(SETTINGS).data
    for domain in ("clear", "fog150m", "100mm"):
        for split in COUNTS:
            folder = root / domain / split
            folder.mkdir(parents=True, exist_ok=True)
            frames = open_domain(domain, data, split).load()
            for number, (image, label) in enumerate(zip(frames.images, frames.labels, strict=True)):
                Image.fromarray(image).save(folder / f"{number:03}.jpg", quality=95)
                Image.fromarray(label).save(folder / f"{number:03}.png")


if __name__ == "__main__":
    write_frames(Path(sys.argv[1]))
