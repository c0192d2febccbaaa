"""Night: little light except the car's headlights, street lamps and their glare."""

import numpy as np

from segada.data.weather.atmosphere import Picture, grain
from segada.data.weather.depth import FAR, Depth

AMBIENT = np.array([0.16, 0.18, 0.24], np.float32)
"""Light of the sky and the town, as a share of daylight."""
HEADLIGHTS = np.array([0.85, 0.78, 0.64], np.float32)
"""Light of the car's headlights at the near end of the road, as a share of daylight."""
HEADLIGHT_RANGE = 16.0
"""Metres at which a third of the headlights' light is left."""
LAMP = np.array([1.0, 0.86, 0.58], np.float32)
NIGHT_SKY = 0.25
"""Brightness of the sky relative to the scene that it lights."""
NOISE = 0.03


def darkened(picture: Picture, depth: Depth, generator: np.random.Generator) -> Picture:
    """Renders the picture at night.

    Args:
        picture: Colors by daylight.
        depth: Metres.
        generator: Generator of this frame.
    """
    height, width = depth.shape
    rows = ((np.arange(height, dtype=np.float32) + 0.5) / height)[:, None]
    columns = ((np.arange(width, dtype=np.float32) + 0.5) / width)[None, :]
    cone = np.exp(-(((columns - 0.5) / 0.45) ** 2) - (np.minimum(rows - 0.40, 0.0) / 0.10) ** 2)
    reach = np.exp(-depth * np.float32(1.0 / HEADLIGHT_RANGE))
    light = AMBIENT + HEADLIGHTS * (cone * reach)[..., None]
    dark = picture * light
    dark[depth >= 0.99 * FAR] *= np.float32(NIGHT_SKY)
    for _ in range(int(generator.integers(2, 6))):
        column, row = generator.uniform(0.05, 0.95), generator.uniform(0.12, 0.48)
        radius = generator.uniform(0.02, 0.07)
        distance = ((columns - column) * (width / height)) ** 2 + (rows - row) ** 2
        glare = 0.9 * np.exp(-distance / radius**2) + 0.18 * np.exp(-distance / (4.0 * radius) ** 2)
        dark = dark + LAMP * glare.astype(np.float32)[..., None]
    return grain(dark, NOISE, generator)
