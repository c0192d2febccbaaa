"""Canvas for flat surfaces of a street, given in metres and painted from far to near."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
import numpy.typing as npt

Color = tuple[float, float, float]
"""RGB in [0, 1]."""
Point = tuple[float, float]
Place = tuple[float, float, float]
"""x, y, z in metres, see `Camera`."""

NEAR = 1.0
"""Smallest distance of a surface from the camera, in metres."""
SUB_PIXEL_BITS = 4

DISC = tuple((float(np.cos(a)), float(np.sin(a))) for a in np.linspace(0, 2 * np.pi, 12, endpoint=False))
"""Corners of the polygon that approximates a circle."""


@dataclass(frozen=True, slots=True)
class Finish:
    """Appearance of a surface: a color, and a grid of cells in a second color (windows, bars, slabs, stripes)."""

    color: Color
    accent: Color = (0.0, 0.0, 0.0)
    """Color of the grid's cells."""
    period: Point = (1.0, 1.0)
    """Metres from cell to cell, along the surface and upwards (on the ground: sideways and ahead)."""
    fill: Point = (0.0, 0.0)
    """Share of the period that a cell covers; 0 has no grid."""
    spread: float = 0.0
    """Variation of the brightness of cells."""
    grain: float = 0.08
    """Amplitude of the noise within the surface."""
    coarse: float = 1.0
    """Number of grains per metre."""

    def tinted(self, factor: float) -> "Finish":
        """Returns the same finish in another brightness."""
        return replace(self, color=scaled(self.color, factor), accent=scaled(self.accent, factor))


@dataclass(frozen=True, slots=True)
class Camera:
    """A pinhole camera that looks along the street; x to the right, y up from the ground, z ahead, in metres."""

    focal: float
    """Focal length in pixels."""
    centre: Point
    """Column and row of the point straight ahead: the row is the horizon."""
    height: float
    """Height above the ground in metres."""


@dataclass(frozen=True, slots=True)
class Light:
    """Brightness of surfaces by their orientation."""

    ground: float
    front: float
    left: float
    """Brightness of walls to the left of the camera, which face right."""
    right: float


def scaled(color: Color, factor: float) -> Color:
    """Returns the color in another brightness, within [0, 1]."""
    r, g, b = color
    return min(1.0, r * factor), min(1.0, g * factor), min(1.0, b * factor)


class Canvas:
    """Collects surfaces; a later one covers an earlier one.

    Every surface is a polygon in a plane of one of three directions: level ground, facing the camera, or along the
    street. In each of them the inverse depth is linear in the picture, so that three numbers give the depth of every
    pixel exactly.
    """

    def __init__(self, size: tuple[int, int], camera: Camera, light: Light) -> None:
        self.size = size
        self.camera = camera
        self.light = light
        self.rows: list[tuple[float, ...]] = []
        """Numbers of every surface, in the order of `shading.Surfaces`."""
        self._corners: list[Place] = []
        self._ends: list[int] = []

    def ground(self, label: int, material: Finish, outline: Sequence[Point], height: float = 0.0) -> None:
        """Adds a level polygon of (x, z) at a height above the ground."""
        camera = self.camera
        slope = 1.0 / (camera.focal * (camera.height - height))
        plane = (0.0, slope, -camera.centre[1] * slope)
        self._add(label, material, plane, (0.0, 1.0, self.light.ground))
        self._outline([(x, height, z) for x, z in outline])

    def front(self, label: int, material: Finish, z: float, outline: Sequence[Point]) -> None:
        """Adds a polygon of (x, y) that faces the camera at distance z."""
        self._add(label, material, (0.0, 0.0, 1.0 / z), (0.0, 0.0, self.light.front))
        self._outline([(x, y, z) for x, y in outline])

    def side(self, label: int, material: Finish, x: float, outline: Sequence[Point]) -> None:
        """Adds a polygon of (z, y) along the street, x metres to the right of the camera."""
        slope = 1.0 / (self.camera.focal * x)
        brightness = self.light.right if x > 0 else self.light.left
        self._add(label, material, (slope, 0.0, -self.camera.centre[0] * slope), (1.0, 0.0, brightness))
        self._outline([(x, y, z) for z, y in outline])

    def front_disc(self, label: int, material: Finish, place: Place, radii: Point) -> None:
        """Adds an ellipse around (x, y, z) that faces the camera."""
        x, y, z = place
        self.front(label, material, z, [(x + radii[0] * c, y + radii[1] * s) for c, s in DISC])

    def side_disc(self, label: int, material: Finish, place: Place, radius: float) -> None:
        """Adds a circle around (x, y, z) in a plane along the street."""
        x, y, z = place
        self.side(label, material, x, [(z + radius * c, y + radius * s) for c, s in DISC])

    def _add(
        self, label: int, material: Finish, plane: tuple[float, float, float], facing: tuple[float, float, float]
    ) -> None:
        m = material
        grid = (*m.period, *m.fill, m.spread, m.grain, m.coarse)
        self.rows.append((float(label), *plane, *facing, *m.color, *m.accent, *grid))

    def _outline(self, corners: Iterable[Place]) -> None:
        self._corners.extend(corners)
        self._ends.append(len(self._corners))

    def visible(self) -> npt.NDArray[np.int32]:
        """Returns the number of the visible surface at each pixel, [H, W]; 0, the first surface, where there is no
        other."""
        x, y, z = np.array(self._corners).T
        scale = self.camera.focal / np.maximum(z, NEAR)
        column, row = self.camera.centre
        pixels = np.stack([column + x * scale, row + (self.camera.height - y) * scale], axis=1)
        corners = np.round(pixels * (1 << SUB_PIXEL_BITS)).astype(np.int32)
        ids = np.zeros(self.size, np.int32)
        for number, (start, end) in enumerate(pairwise([0, *self._ends])):
            cv2.fillConvexPoly(ids, corners[start:end], number, cv2.LINE_8, SUB_PIXEL_BITS)
        return ids


def rectangle(left: float, right: float, bottom: float, top: float) -> list[Point]:
    """Returns the corners of an upright rectangle."""
    return [(left, bottom), (right, bottom), (right, top), (left, top)]
