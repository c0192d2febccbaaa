"""Rain by its rate in mm/h."""

import cv2
import numpy as np

from segada.data.weather.atmosphere import Picture, clouds, grain, veiled
from segada.data.weather.depth import Depth
from segada.data.weather.streaks import streaks
from segada.data.weather.wet_road import wet

FULL_RATE = 200.0
"""Rain rate in mm/h at which the strengths below are reached."""
SEVERITY_EXPONENT = 0.8
"""Exponent of the strengths' growth with the rate. A source model's score falls slowly at first, then steeply, as in
the literature."""
EXTINCTION = 0.022
"""Share of light lost per metre."""
CURTAINS = 0.5
"""Relative variation of the extinction across the frame."""
DIMMING = 0.15
"""Share of the daylight that the clouds absorb."""
DRAINING = 0.25
"""Share of its saturation that a picture loses."""
WETNESS = 0.6
STREAK_OPACITY = 0.38
LENS_WATER = 0.4
"""Share of sharpness lost where the windscreen is wettest."""
LENS_BLUR = 0.03
"""Radius of the windscreen's blur in heights of the frame."""
NOISE = 0.035
AIRLIGHT = np.array([0.60, 0.63, 0.67], np.float32)
GRAY = np.array([0.299, 0.587, 0.114], np.float32)


def severity(rate: float) -> float:
    """Returns the strength of all effects of rain, 0 in clear weather and 1 at `FULL_RATE`."""
    return float((rate / FULL_RATE) ** SEVERITY_EXPONENT)


def rained(picture: Picture, depth: Depth, rate: float, generator: np.random.Generator) -> Picture:
    """Renders the picture in rain.

    From the scene to the sensor: a wet road, the light under rain clouds, the veil of drops in the air, streaks, water
    on the windscreen, noise.

    Args:
        picture: Colors in clear weather.
        depth: Metres.
        rate: Rain rate in mm/h, above 0.
        generator: Generator of this frame.
    """
    strength = severity(rate)
    size = depth.shape[0], depth.shape[1]
    puddles, curtains, water = (clouds(size, generator) for _ in range(3))
    picture = wet(picture, depth, WETNESS * strength, puddles)
    picture = picture * np.float32(1.0 - DIMMING * strength)
    gray = (picture @ GRAY)[..., None]
    picture = picture + (gray - picture) * np.float32(DRAINING * strength)
    loss = np.float32(EXTINCTION * strength) * (1.0 + np.float32(CURTAINS) * curtains)
    picture = veiled(picture, depth, loss, AIRLIGHT)
    opacity = (np.float32(STREAK_OPACITY * strength) * streaks(depth, generator))[..., None]
    picture = picture + (AIRLIGHT * 1.2 - picture) * opacity
    share = np.clip(0.5 + water, 0.0, 1.0)[..., None] * np.float32(LENS_WATER * strength)
    picture = picture + (cv2.GaussianBlur(picture, (0, 0), max(0.3, LENS_BLUR * size[0])) - picture) * share
    return grain(picture, NOISE * strength, generator)
