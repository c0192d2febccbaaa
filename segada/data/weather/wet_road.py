"""A wet road: darker, and reflecting the scene behind it."""

import cv2
import numpy as np

from segada.data.weather.atmosphere import Map, Picture
from segada.data.weather.depth import CAMERA_HEIGHT, FOCAL, Depth

LEVEL_TOLERANCE = 0.35
"""Greatest difference between the slope of the inverse depth and that of level ground."""
DARKENING = 0.45
"""Share of its own color that soaked asphalt loses."""
MIRROR_BLUR = 0.06
"""Vertical blur of the reflection by the rough surface, as a share of the frame's height."""


def level_ground(depth: Depth) -> Map:
    """Returns 1 where the depth is that of level ground below the camera, 0 elsewhere.

    On level ground the inverse depth grows by 1 / (focal length * camera height) from row to row; on vertical objects
    it does not. No labels are needed, so that photographs with a geometric depth have wet roads too.
    """
    width = depth.shape[1]
    slope = np.diff(1.0 / depth, axis=0, append=1.0 / depth[-1:]) * np.float32(FOCAL * width * CAMERA_HEIGHT)
    slope[-1] = slope[-2]
    ground: Map = (np.abs(slope - 1.0) < LEVEL_TOLERANCE).astype(np.float32)
    return ground


def wet(picture: Picture, depth: Depth, wetness: float, puddles: Map) -> Picture:
    """Renders the picture with a wet road.

    Every pixel of level ground reflects, like a mirror, the scene above the ground's upper edge in its column, the more
    so the flatter the view (Fresnel) and the deeper the puddle.

    Args:
        picture: Colors of the dry street.
        depth: Metres.
        wetness: 0 is dry, 1 is flooded.
        puddles: Smooth random values in [-1, 1].
    """
    ground = level_ground(depth)
    height, width = ground.shape
    rows = np.arange(height)[:, None]
    edge = np.maximum.accumulate(np.where(ground > 0, -1, rows), axis=0)
    mirrored_row = np.clip(2 * edge + 1 - rows, 0, height - 1)
    sharp = picture[mirrored_row, np.arange(width)]
    mirror = np.asarray(cv2.blur(sharp, (1, max(1, round(MIRROR_BLUR * height)))), np.float32)
    grazing = np.clip(depth * np.float32(1.0 / 25.0), 0.35, 1.0)
    share = (ground * grazing * np.clip(0.75 + 0.6 * puddles, 0.0, 1.0) * np.float32(wetness))[..., None]
    dark = picture * (1.0 - DARKENING * np.float32(wetness) * ground[..., None])
    mixed: Picture = dark * (1.0 - share) + mirror * share
    return mixed
