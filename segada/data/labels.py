"""Labels of pixels: the number of a class, or 255 for a pixel that is ignored."""

from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from segada.settings.class_sets import CITYSCAPES, ClassSet

IGNORE: Final = 255
"""Label of a pixel that counts neither in losses nor in scores."""
NAMES: Final = CITYSCAPES.names
"""Names of the classes of the procedural streets, which are those of Cityscapes."""


@lru_cache
def _colors(classes: ClassSet) -> npt.NDArray[np.uint8]:
    colors = np.zeros((IGNORE + 1, 3), np.uint8)
    colors[: len(classes)] = classes.palette()
    return colors


def painted(labels: npt.NDArray[np.uint8], classes: ClassSet) -> npt.NDArray[np.uint8]:
    """Paints labels uint8 [..., H, W] in the colors of their classes: uint8 [..., H, W, 3], RGB; ignored ones black."""
    return _colors(classes)[labels]
