"""Light in fog and rain: Beer-Lambert attenuation, and the airlight that replaces the lost light."""

import cv2
import numpy as np
import numpy.typing as npt

from segada.data.weather.depth import Depth

Picture = npt.NDArray[np.float32]
"""Colors [H, W, 3], RGB in [0, 1]."""
Map = npt.NDArray[np.float32]
"""One number per pixel, [H, W]."""

VISIBLE_CONTRAST = 0.02
"""Contrast at which an object counts as just visible (Koschmieder 1924): visibility = -ln(0.02) / extinction."""
CLOUD_CELLS = (3, 6)
"""Rows and columns of the coarse grid from which clouds of fog and curtains of rain are interpolated."""


def extinction(visibility: float) -> float:
    """Returns the share of light lost per metre, from the visibility in metres (Koschmieder: 3.912 / visibility)."""
    return float(-np.log(VISIBLE_CONTRAST) / visibility)


def veiled(picture: Picture, depth: Depth, loss: Map | float, airlight: Picture) -> Picture:
    """Returns the picture seen through air: t * picture + (1 - t) * airlight with t = exp(-loss * depth).

    Args:
        picture: Colors in clear air.
        depth: Metres.
        loss: Extinction per metre, one for all or one for each pixel.
        airlight: Color of infinitely deep air, [3] or [H, W, 3].
    """
    transmission = np.exp(-depth * np.float32(loss))[..., None]
    seen: Picture = picture * transmission + airlight * (1.0 - transmission)
    return seen


def clouds(size: tuple[int, int], generator: np.random.Generator) -> Map:
    """Returns smooth random values in about [-1, 1]."""
    coarse = generator.uniform(-1.0, 1.0, CLOUD_CELLS).astype(np.float32)
    return np.asarray(cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC), np.float32)


def grain(picture: Picture, deviation: float, generator: np.random.Generator) -> Picture:
    """Adds sensor noise of a standard deviation, mostly alike in the three colors as after a camera's demosaicing."""
    height, width, _ = picture.shape
    shared = generator.standard_normal((height, width, 1), dtype=np.float32)
    own = generator.standard_normal((height, width, 3), dtype=np.float32)
    noise: Picture = 0.8 * shared + 0.6 * own
    return picture + deviation * noise
