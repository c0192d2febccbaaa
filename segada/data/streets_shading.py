"""From the numbers of visible surfaces to a picture, its labels and its depth."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from segada.data.depth import FAR, Depth
from segada.data.frames import Bytes
from segada.data.streets_canvas import NEAR, Canvas

Floats = npt.NDArray[np.float32]

NOISE_BITS = 8
NOISE_SIDE = 1 << NOISE_BITS
GRAIN_RANGE = 25.0
"""Metres at which half of a surface's grain is too fine to be seen."""
HAZE = np.array([0.80, 0.84, 0.90], np.float32)
HAZE_RANGE = 900.0
"""Metres at which clear air has replaced 63 % of a colour."""
ZENITH = np.array([0.72, 0.82, 0.96], np.float32)
"""How the sky's colour changes from the horizon to the upper edge."""


def shade(canvas: Canvas, supersampling: int) -> tuple[Floats, Bytes, Depth]:
    """The picture on a canvas.

    Args:
        canvas: painted surfaces.
        supersampling: canvas pixels per picture pixel, in each direction.

    Returns:
        Colours float32 [H, W, 3] in about [0, 1], labels uint8 [H, W], depth float32 [H, W] in metres.
    """
    ids = canvas.ids.astype(np.intp)
    table = np.array(canvas.rows, np.float32).T
    depth = _depth(canvas, ids, table)
    along, up = _surface_coordinates(canvas, ids, table, depth)
    colours = _texture(ids, table, along, up, depth)
    transmission = np.exp(depth * np.float32(-1.0 / HAZE_RANGE))[..., None]
    sky = ids == 0
    transmission[sky] = 1.0
    colours = colours * transmission + HAZE * (1.0 - transmission)
    rows = np.linspace(1.0, 0.0, ids.shape[0], dtype=np.float32)[:, None, None]
    colours = np.where(sky[..., None], colours * (1.0 - rows + rows * ZENITH), colours)
    height, width = ids.shape[0] // supersampling, ids.shape[1] // supersampling
    picture = cv2.resize(colours, (width, height), interpolation=cv2.INTER_AREA)
    centre = slice(supersampling // 2, None, supersampling)
    labels = table[0].astype(np.uint8)[ids[centre, centre]]
    return picture, labels, np.ascontiguousarray(depth[centre, centre])


def _depth(canvas: Canvas, ids: npt.NDArray[np.intp], table: Floats) -> Depth:
    height, width = ids.shape
    columns = np.arange(width, dtype=np.float32) + np.float32(0.5)
    rows = (np.arange(height, dtype=np.float32) + np.float32(0.5))[:, None]
    inverse = table[1][ids] * columns + table[2][ids] * rows + table[3][ids]
    return np.reciprocal(np.clip(inverse, 1.0 / FAR, 1.0 / NEAR))


def _surface_coordinates(
    canvas: Canvas, ids: npt.NDArray[np.intp], table: Floats, depth: Depth
) -> tuple[Floats, Floats]:
    height, width = ids.shape
    camera = canvas.camera
    columns = (np.arange(width, dtype=np.float32) + np.float32(0.5) - np.float32(camera.centre[0])) / np.float32(
        camera.focal
    )
    rows = (np.arange(height, dtype=np.float32) + np.float32(0.5) - np.float32(camera.centre[1])) / np.float32(
        camera.focal
    )
    along = np.where(table[4][ids] > 0, depth, columns * depth)
    up = np.where(table[5][ids] > 0, depth, np.float32(camera.height) - rows[:, None] * depth)
    return along, up


def _texture(ids: npt.NDArray[np.intp], table: Floats, along: Floats, up: Floats, depth: Depth) -> Floats:
    noise = _noise()
    cell_along, cell_up = along / table[13][ids], up / table[14][ids]
    whole_along, whole_up = np.floor(cell_along), np.floor(cell_up)
    in_cell = (cell_along - whole_along < table[15][ids]) & (cell_up - whole_up < table[16][ids])
    row = (whole_up.astype(np.int32) * 7 + ids.astype(np.int32) * 31) & (NOISE_SIDE - 1)
    differs = noise[row, (whole_along.astype(np.int32) * 11) & (NOISE_SIDE - 1)] * table[17][ids]
    pitch = table[19][ids]
    fine = noise[
        (up * pitch + 97 * ids).astype(np.int32) & (NOISE_SIDE - 1),
        (along * pitch).astype(np.int32) & (NOISE_SIDE - 1),
    ]
    grain = table[18][ids] * fine / (1.0 + depth * pitch * np.float32(1.0 / GRAIN_RANGE / 2.5))
    brightness = table[6][ids] * (1.0 + grain + np.where(in_cell, differs, np.float32(0.0)))
    chosen = np.where(in_cell, ids + table.shape[1], ids)
    palette = np.concatenate([table[7:10].T, table[10:13].T])
    return palette[chosen] * brightness[..., None]


@cache
def _noise() -> Floats:
    """Smooth noise of mean 0 within about [-1, 1] that repeats at its edges; [256, 256]."""
    generator = np.random.default_rng(20071)
    noise = generator.uniform(-1.0, 1.0, (NOISE_SIDE, NOISE_SIDE))
    return noise.astype(np.float32)
