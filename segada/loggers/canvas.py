"""Draws panels: captioned pictures in rows, with a legend of the classes that occur, as one PNG."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from segada.data.frames import Bytes
from segada.data.labels import IGNORE
from segada.loggers.colors import Picture
from segada.settings.class_sets import ClassSet

WIDTH: Final = 384
"""Width of a picture in a panel, in pixels, independent of the frames' size."""
GAP: Final = 16
CAPTION: Final = 26
TITLE: Final = 40
ROW: Final = 24
"""Heights of a caption, of the title and of a row of the legend, in pixels."""
PAPER: Final = (255, 255, 255)
INK: Final = (30, 30, 30)
FAINT: Final = (120, 120, 120)

TITLE_FONT: Final = ImageFont.load_default(20)
FONT: Final = ImageFont.load_default(15)
SMALL_FONT: Final = ImageFont.load_default(13)


@dataclass(frozen=True, slots=True)
class Panel:
    """Content of a panel.

    Attributes:
        title: Title of one line.
        rows: Pictures, row by row; all frames have one shape.
        shape: (H, W) of the frames.
        labels: Every label that occurs, for the legend.
        classes: Classes of the labels.
    """

    title: str
    rows: Sequence[Sequence[Picture]]
    shape: tuple[int, int]
    labels: Sequence[int]
    classes: ClassSet


def draw(panel: Panel) -> bytes:
    """Returns the panel as PNG; equal panels give equal bytes."""
    height = max(1, round(panel.shape[0] * WIDTH / panel.shape[1]))
    columns = max(len(row) for row in panel.rows)
    width = GAP + columns * (WIDTH + GAP)
    entries = _legend_places(panel.labels, panel.classes, width)
    below = TITLE + len(panel.rows) * (CAPTION + height + GAP)
    canvas = Image.new(
        "RGB", (width, below + (max(y for _, y, _ in entries) + ROW if entries else 0) + GAP // 2), PAPER
    )
    pen = ImageDraw.Draw(canvas)
    pen.text((GAP, TITLE // 2), panel.title, INK, TITLE_FONT, anchor="lm")
    for row, pictures in enumerate(panel.rows):
        for column, picture in enumerate(pictures):
            corner = (GAP + column * (WIDTH + GAP), TITLE + row * (CAPTION + height + GAP))
            _draw_picture(canvas, pen, picture, corner, height)
    for x, y, label in entries:
        _draw_entry(pen, (x, below + y), label, panel.classes)
    file = io.BytesIO()
    canvas.save(file, "PNG")
    return file.getvalue()


def _draw_picture(
    canvas: Image.Image, pen: ImageDraw.ImageDraw, picture: Picture, corner: tuple[int, int], height: int
) -> None:
    x, y = corner
    pen.text((x, y + CAPTION // 2), picture.caption, INK, FONT, anchor="lm")
    if picture.scale is not None:
        _draw_scale(canvas, pen, picture.scale, (x + WIDTH, y + CAPTION // 2))
    resampling = Image.Resampling.BICUBIC if picture.smooth else Image.Resampling.NEAREST
    canvas.paste(Image.fromarray(picture.pixels).resize((WIDTH, height), resampling), (x, y + CAPTION))
    pen.rectangle((x - 1, y + CAPTION - 1, x + WIDTH, y + CAPTION + height), outline=FAINT)


def _draw_scale(canvas: Image.Image, pen: ImageDraw.ImageDraw, colors: Bytes, end: tuple[int, int]) -> None:
    """Draws the color scale from 0 to 1, with its right end at `end`."""
    length, thickness = 96, 10
    right, middle = end[0] - 14, end[1]
    bar = Image.fromarray(colors[None]).resize((length, thickness))
    canvas.paste(bar, (right - length, middle - thickness // 2))
    pen.text((right - length - 4, middle), "0", FAINT, SMALL_FONT, anchor="rm")
    pen.text((right + 4, middle), "1", FAINT, SMALL_FONT, anchor="lm")


def _legend_places(labels: Sequence[int], classes: ClassSet, width: int) -> list[tuple[int, int, int]]:
    """Returns (x, y, label) of every legend entry, with y counted from the legend's top."""
    places, x, y = [], GAP, 0
    for label in sorted(labels):
        needed = 20 + round(FONT.getlength(_name(label, classes))) + GAP
        if x > GAP and x + needed > width:
            x, y = GAP, y + ROW
        places.append((x, y, label))
        x += needed
    return places


def _draw_entry(pen: ImageDraw.ImageDraw, corner: tuple[int, int], label: int, classes: ClassSet) -> None:
    x, y = corner
    color = (0, 0, 0) if label == IGNORE else classes.palette()[label]
    pen.rectangle((x, y + ROW // 2 - 7, x + 14, y + ROW // 2 + 7), color, FAINT)
    pen.text((x + 20, y + ROW // 2), _name(label, classes), INK, FONT, anchor="lm")


def _name(label: int, classes: ClassSet) -> str:
    return "ignored" if label == IGNORE else classes.names[label]


def labels_in(*maps: Bytes) -> list[int]:
    """Returns every label that occurs in the maps."""
    return [int(label) for label in np.unique(np.concatenate([labels.ravel() for labels in maps]))]
