"""Falling rain: layers of streaks, each hiding only what is farther away."""

from functools import lru_cache

import cv2
import numpy as np

from segada.data.weather.atmosphere import Map
from segada.data.weather.depth import Depth

LAYERS = (2.5, 5.0, 10.0, 20.0)
"""Metres from the camera to the drops of a layer."""
LENGTH = 0.7
"""Length of a streak one metre away, in heights of the frame: fall speed times exposure."""
SHORTEST = 0.06
COVER = 0.035
"""Share of a layer's pixels in which a streak begins, for a frame height of 64 pixels."""
SLANTS = (-0.25, -0.12, 0.0, 0.12, 0.25)
"""Sideways drift of a streak per length, caused by wind."""


def streaks(depth: Depth, generator: np.random.Generator) -> Map:
    """Returns the opacity of the streaks in full rain, in [0, 1].

    Args:
        depth: Metres; a drop in front of the scene is visible, one behind it is not.
        generator: Generator of the frame.
    """
    height, width = depth.shape
    slant = int(generator.integers(len(SLANTS)))
    opacity = np.zeros(depth.shape, np.float32)
    for layer, distance in enumerate(LAYERS):
        tile = _tile((height, width), layer, slant)
        top, left = int(generator.integers(height)), int(generator.integers(width))
        fall = tile[top : top + height, left : left + width]
        opacity = np.maximum(opacity, np.where(depth > distance, fall, np.float32(0.0)))
    return opacity


@lru_cache(maxsize=64)
def _tile(size: tuple[int, int], layer: int, slant: int) -> Map:
    """Returns a sheet of streaks twice as high and wide as the frame, from which frames are cut at random."""
    height, width = size
    generator = np.random.default_rng((height, width, layer, slant))
    length = max(SHORTEST, LENGTH / LAYERS[layer]) * height
    sources = generator.random((2 * height, 2 * width)) < COVER * 64.0 / height / length * 4.0
    drops = np.where(sources, generator.uniform(0.4, 1.0, sources.shape), 0.0).astype(np.float32)
    kernel = _line(length, SLANTS[slant])
    return np.clip(cv2.filter2D(drops, -1, kernel), 0.0, 1.0)


def _line(length: float, slant: float) -> Map:
    side = 2 * (int(length) // 2) + 1
    kernel = np.zeros((side, side), np.float32)
    middle, reach = side // 2, slant * side / 2
    start, end = (round(16 * (middle - reach)), 0), (round(16 * (middle + reach)), 16 * (side - 1))
    cv2.line(kernel, start, end, 1.0, 1, cv2.LINE_8, 4)
    return kernel
