"""Depth in metres: constants, and an estimate for photographs without measured depth."""

import numpy as np
import numpy.typing as npt

Depth = npt.NDArray[np.float32]

FAR = 512.0
"""Greatest depth in metres, also that of the sky; a power of two, so that its inverse is exact."""
FOCAL = 1.1
"""Focal length of the camera, in widths of the frame: 49 degrees from edge to edge, as in Cityscapes."""
HORIZON = 0.45
"""Row of the horizon, as a share of the frame's height."""
CAMERA_HEIGHT = 1.4
"""Height of the camera above the road, in metres."""
BACKDROP = 60.0
"""Distance in metres from which a photograph's ground is assumed to be hidden by objects."""
HOUSES = 15.0
"""Distance in metres from the camera's path to the houses on either side of a photographed street."""


def geometric_depth(size: tuple[int, int], horizon: float = HORIZON, camera_height: float = CAMERA_HEIGHT) -> Depth:
    """Estimates the depth of a street photograph from geometry alone, regardless of its content.

    Below the horizon it is the depth of level ground, at most `BACKDROP`; above, it rises from there to `FAR` at the
    upper edge; and it is nowhere more than that of a row of houses on either side. So vehicles and people get the depth
    of the ground that they hide, open sky at the sides is too near, and trees ahead are too far.

    Args:
        size: Height and width in pixels, which are assumed to be square.
        horizon: Row of the horizon as a share of the height, in (0, 1).
        camera_height: Metres above the ground.

    Returns:
        float32 [H, W], metres.
    """
    if not 0.0 < horizon < 1.0 or not camera_height > 0.0:
        raise ValueError(
            "0 < horizon < 1 and camera_height > 0 must hold, "
            f"but got horizon={horizon} and camera_height={camera_height}"
        )
    height, width = size
    rows = (np.arange(height) + 0.5) / height
    below = np.maximum(rows - horizon, 1e-6) * height
    ground = np.minimum(camera_height * FOCAL * width / below, BACKDROP)
    rise = np.clip((horizon - rows) / horizon, 0.0, 1.0)
    ahead = np.where(rows > horizon, ground, BACKDROP * (FAR / BACKDROP) ** rise)
    aside = np.maximum(np.abs(np.arange(width) + 0.5 - width / 2), 0.5)
    depth: Depth = np.minimum(ahead[:, None], HOUSES * FOCAL * width / aside).astype(np.float32)
    return depth
