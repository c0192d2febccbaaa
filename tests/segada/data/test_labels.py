"""Classes and colors."""

import numpy as np

from segada.data.labels import IGNORE, painted
from segada.settings.class_sets import CITYSCAPES


def test_things_are_the_countable_classes() -> None:
    assert list(CITYSCAPES.things) == [
        "traffic light", "traffic sign", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
    ]  # fmt: skip


def test_every_class_has_a_color_of_its_own() -> None:
    assert len(CITYSCAPES) == len(set(CITYSCAPES.colors)) == 19


def test_colorise_paints_each_pixel_and_leaves_ignored_ones_black() -> None:
    shown = painted(np.array([[0, 13], [18, IGNORE]], np.uint8), CITYSCAPES)

    assert shown.dtype == np.uint8
    assert shown.tolist() == [[[128, 64, 128], [0, 0, 142]], [[119, 11, 32], [0, 0, 0]]]
