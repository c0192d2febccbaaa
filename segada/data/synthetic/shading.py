"""Rendering of visible surfaces to a picture, its labels and its depth."""

from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from segada.data.frames import Bytes
from segada.data.synthetic.canvas import NEAR, Camera, Canvas
from segada.data.weather.depth import FAR, Depth

Floats = npt.NDArray[np.float32]
Ids = npt.NDArray[np.intp]

NOISE_SIDE = 256
NOISE_SEED = 20071
NOISE_SMOOTHING = 1.0
"""Sigma of the blur of the noise table, in entries."""
STEPS_PER_GRAIN = 2.5
"""Number of entries of the noise table from grain to grain."""
GRAIN_RANGE = 60.0
"""Metres at which half of the contrast of a surface with one grain per metre is lost: grains are then too small."""
HAZE = np.array([0.80, 0.84, 0.90], np.float32)
HAZE_RANGE = 900.0
"""Metres at which even clear air has replaced 63 % of a color."""
ZENITH = np.array([0.72, 0.82, 0.96], np.float32)
"""Color of the sky at the upper edge, relative to the lower."""


class Surfaces(NamedTuple):
    """Columns of `Canvas.rows`: one number per painted surface, [P]."""

    label: Floats
    inverse_depth_column: Floats
    inverse_depth_row: Floats
    inverse_depth: Floats
    along_street: Floats
    level: Floats
    light: Floats
    red: Floats
    green: Floats
    blue: Floats
    accent_red: Floats
    accent_green: Floats
    accent_blue: Floats
    period_along: Floats
    period_up: Floats
    fill_along: Floats
    fill_up: Floats
    spread: Floats
    grain: Floats
    coarse: Floats


def shade(canvas: Canvas, supersampling: int) -> tuple[Floats, Bytes, Depth]:
    """Renders the picture on a canvas.

    Args:
        canvas: Painted surfaces.
        supersampling: Canvas pixels per picture pixel, in each direction.

    Returns:
        Colors float32 [H, W, 3] in about [0, 1], labels uint8 [H, W], depth float32 [H, W] in metres.
    """
    ids = canvas.visible().astype(np.intp)
    surfaces = Surfaces(*np.ascontiguousarray(np.array(canvas.rows, np.float32).T))
    depth = _depth(ids, surfaces)
    colors = _texture(ids, surfaces, *_surface_coordinates(canvas.camera, ids, surfaces, depth), depth)
    size = (ids.shape[1] // supersampling, ids.shape[0] // supersampling)
    centre = slice(supersampling // 2, None, supersampling)
    depth = np.ascontiguousarray(depth[centre, centre])
    labels = surfaces.label.astype(np.uint8)[ids[centre, centre]]
    picture = np.asarray(cv2.resize(colors, size, interpolation=cv2.INTER_AREA), np.float32)
    return _aired(picture, depth), labels, depth


def _depth(ids: Ids, surfaces: Surfaces) -> Depth:
    columns, rows = _pixel_centres(ids)
    inverse = surfaces.inverse_depth_column[ids] * columns
    inverse += surfaces.inverse_depth_row[ids] * rows
    inverse += surfaces.inverse_depth[ids]
    depth: Depth = np.reciprocal(np.clip(inverse, np.float32(1.0 / FAR), np.float32(1.0 / NEAR)))
    return depth


def _surface_coordinates(camera: Camera, ids: Ids, surfaces: Surfaces, depth: Depth) -> tuple[Floats, Floats]:
    """Returns metres along every pixel's surface and upwards on it (sideways and ahead on the ground)."""
    columns, rows = _pixel_centres(ids)
    right = (columns - np.float32(camera.centre[0])) * np.float32(1.0 / camera.focal) * depth
    down = (rows - np.float32(camera.centre[1])) * np.float32(1.0 / camera.focal) * depth
    along = np.where(surfaces.along_street.astype(np.bool_)[ids], depth, right)
    up = np.where(surfaces.level.astype(np.bool_)[ids], depth, np.float32(camera.height) - down)
    return along, up


def _texture(ids: Ids, surfaces: Surfaces, along: Floats, up: Floats, depth: Depth) -> Floats:
    noise, last = _noise(), NOISE_SIDE - 1
    cell_along, cell_up = along * (1.0 / surfaces.period_along)[ids], up * (1.0 / surfaces.period_up)[ids]
    whole_along, whole_up = np.floor(cell_along), np.floor(cell_up)
    in_cell = (cell_along - whole_along < surfaces.fill_along[ids]) & (cell_up - whole_up < surfaces.fill_up[ids])
    cell = (whole_up.astype(np.int32) * 11 + ids * 31 & last) * NOISE_SIDE + (whole_along.astype(np.int32) * 17 & last)
    pitch = surfaces.coarse[ids] * np.float32(STEPS_PER_GRAIN)
    point = ((up * pitch).astype(np.int32) + ids * 97 & last) * NOISE_SIDE + ((along * pitch).astype(np.int32) & last)
    grain = surfaces.grain[ids] * noise[point]
    grain /= 1.0 + depth * pitch * np.float32(1.0 / (GRAIN_RANGE * STEPS_PER_GRAIN))
    grain += in_cell * surfaces.spread[ids] * noise[cell]
    brightness = surfaces.light[ids] * (1.0 + grain)
    colors = np.stack([surfaces[7:10], surfaces[10:13]]).transpose(0, 2, 1).reshape(-1, 3)
    painted: Floats = colors[ids + in_cell * len(surfaces.label)] * brightness[..., None]
    return painted


def _aired(colors: Floats, depth: Depth) -> Floats:
    """Applies a sky gradient that darkens upwards, and the haze of clear air."""
    sky = (depth >= FAR)[..., None]
    height = np.linspace(1.0, 0.0, len(depth), dtype=np.float32)[:, None, None]
    transmission = np.exp(depth * np.float32(-1.0 / HAZE_RANGE))[..., None]
    hazy = HAZE + (colors - HAZE) * transmission
    aired: Floats = np.where(sky, colors * (1.0 - height + height * ZENITH), hazy)
    return aired


def _pixel_centres(ids: Ids) -> tuple[Floats, Floats]:
    height, width = ids.shape
    columns, rows = np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    return columns + np.float32(0.5), rows[:, None] + np.float32(0.5)


@cache
def _noise() -> Floats:
    """Returns smooth noise of mean 0 and standard deviation 0.5 that repeats at its edges, [256 * 256]."""
    white = np.random.default_rng(NOISE_SEED).standard_normal((NOISE_SIDE, NOISE_SIDE)).astype(np.float32)
    smooth = cv2.GaussianBlur(np.pad(white, 8, mode="wrap"), (0, 0), NOISE_SMOOTHING)[8:-8, 8:-8]
    noise: Floats = np.clip(smooth / smooth.std() * np.float32(0.5), -1.0, 1.0).ravel()
    return noise
