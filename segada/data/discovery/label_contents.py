"""Contents of label files: which ids or colors occur, and at how many pixels."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from segada.data.cache.decoding import count_workers, in_order
from segada.data.cache.progress import told
from segada.data.datasets.number_files import read_numbers
from segada.data.datasets.picture_files import read_colors
from segada.settings.class_sets import Color

MOST_READ: Final = 400
"""Number of label files that are read."""


@dataclass(frozen=True)
class Contents:
    """Contents of some label files.

    Attributes:
        ids: Number of pixels of each id; empty if the files hold colors.
        colors: Number of pixels of each color; empty if the files hold ids.
        palette: Color of each id, where the files are indexed.
        channel: Channel that holds the ids in files of several equal channels; None if there is one.
        read: Number of files that were read.
        count: Number of files.
    """

    ids: Counter[int]
    colors: Counter[Color]
    palette: dict[int, Color]
    channel: int | None
    read: int
    count: int

    @property
    def is_complete(self) -> bool:
        """True if every file was read."""
        return self.read == self.count


@dataclass(frozen=True)
class _Content:
    ids: Counter[int]
    colors: Counter[Color]
    palette: dict[int, Color]


def read_contents(paths: Sequence[Path]) -> Contents:
    """Reads label files evenly spaced over all of them; damaged ones are passed over, as a run leaves them out."""
    chosen = [paths[int(place)] for place in np.linspace(0, len(paths) - 1, min(MOST_READ, len(paths))).round()]
    found = list(told(in_order(_read, chosen, count_workers(None)), len(chosen), "reading labels"))
    ids, colors, palette = Counter[int](), Counter[Color](), dict[int, Color]()
    for one in found:
        if one is not None:
            ids.update(one.ids)
            colors.update(one.colors)
            palette |= one.palette
    gray = bool(colors) and not ids and all(red == green == blue for red, green, blue in colors)
    if gray:
        ids, colors = Counter({color[0]: count for color, count in colors.items()}), Counter()
    return Contents(ids, Counter() if ids else colors, palette, 0 if gray else None, len(chosen), len(paths))


def _read(path: Path) -> _Content | None:
    try:
        with Image.open(path) as picture:
            several, indexed = picture.mode in ("RGB", "RGBA"), picture.mode == "P"
            palette = picture.getpalette() if indexed else None
        return _colors(path) if several else _ids(path, palette or [])
    except (OSError, ValueError):
        return None


def _ids(path: Path, palette: Sequence[int]) -> _Content:
    values, counts = np.unique(read_numbers(path), return_counts=True)
    ids = Counter(dict(zip(values.tolist(), counts.tolist(), strict=True)))
    colors = {
        number: (palette[3 * number], palette[3 * number + 1], palette[3 * number + 2])
        for number in ids
        if 3 * number + 2 < len(palette)
    }
    return _Content(ids, Counter(), colors)


def _colors(path: Path) -> _Content:
    pixels = read_colors(path).astype(np.int64)
    codes, counts = np.unique((pixels[..., 0] << 16) | (pixels[..., 1] << 8) | pixels[..., 2], return_counts=True)
    pairs = zip(codes.tolist(), counts.tolist(), strict=True)
    return _Content(Counter(), Counter({(code >> 16, code >> 8 & 255, code & 255): count for code, count in pairs}), {})
