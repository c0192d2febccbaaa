"""The 19 Cityscapes classes: their order, names and colors."""

from typing import Final

import numpy as np
import numpy.typing as npt

from segada.settings.class_names import NAMES as NAMES

NUM_CLASSES: Final = len(NAMES)
IGNORE: Final = 255
"""Label of a pixel that counts neither in losses nor in scores."""
THINGS: Final = (6, 7, 11, 12, 13, 14, 15, 16, 17, 18)
"""Classes of countable objects; the feature distance uses their pixels (Hoyer et al. 2022)."""

PALETTE: Final = (
    (128, 64, 128),
    (244, 35, 232),
    (70, 70, 70),
    (102, 102, 156),
    (190, 153, 153),
    (153, 153, 153),
    (250, 170, 30),
    (220, 220, 0),
    (107, 142, 35),
    (152, 251, 152),
    (70, 130, 180),
    (220, 20, 60),
    (255, 0, 0),
    (0, 0, 142),
    (0, 0, 70),
    (0, 60, 100),
    (0, 80, 100),
    (0, 0, 230),
    (119, 11, 32),
)
"""RGB of each class; ignored pixels are black."""

_COLORS = np.zeros((IGNORE + 1, 3), np.uint8)
_COLORS[:NUM_CLASSES] = PALETTE


def colorise(labels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Paints labels uint8 [..., H, W] in the Cityscapes colors: uint8 [..., H, W, 3], RGB."""
    return _COLORS[labels]
