"""A data set of the layout `folders`, small enough for a run in a test, and settings of a run that use it."""

from pathlib import Path

import numpy as np
from published_trees import ids, picture, write

FRAMES = 20
"""Number of frames of each domain."""

SETTINGS = """
data:
  size: [32, 64]
  root: {root}
  loading: {{cache: null}}
  domains:
    day:
      dataset: folders
      images: "day/rgb/*.png"
      labels: "day/ids/*.png"
      shares: [0.4, 0.2, 0.2, 0.2]
    rain:
      dataset: folders
      images: "rain/rgb/*.png"
      labels: "rain/ids/*.png"
      shares: [0, 0.5, 0.25, 0.25]
stream: {{source: day, visits: [rain, day], frames: 4}}
model: {{encoder: mit_tiny, checkpoint: null}}
method: {{name: batch_norm}}
"""
"""Settings of a run, without its root; `rain` is a target."""


def write_pairs(root: Path) -> Path:
    """Writes the domains `day` and `rain` below a folder, and `run.yaml`, settings that use them; returns that file."""
    for place, domain in enumerate(("day", "rain")):
        for frame in range(FRAMES):
            write(root / domain / "rgb" / f"{frame:02}.png", picture(FRAMES * place + frame))
            write(root / domain / "ids" / f"{frame:02}.png", ids(frame, (0, 1, 2, 8, 10, 13, 18, 255)))
    (root / "run.yaml").write_text(SETTINGS.format(root=root), encoding="utf-8")
    return root / "run.yaml"


def blank(root: Path, domain: str) -> None:
    """Replaces all labels of a domain by the usual placeholder: every pixel is 255."""
    for path in (root / domain / "ids").glob("*.png"):
        write(path, np.full((48, 96), 255, np.uint8))
