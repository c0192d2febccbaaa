"""Classes and colors."""

import numpy as np

from segada.data.labels import IGNORE, NAMES, NUM_CLASSES, PALETTE, THINGS, colorise


def test_things_are_the_countable_classes() -> None:
    assert [NAMES[index] for index in THINGS] == [
        "traffic light", "traffic sign", "person", "rider", "car", "truck", "bus", "train", "motorcycle", "bicycle",
    ]  # fmt: skip


def test_every_class_has_a_color_of_its_own() -> None:
    assert NUM_CLASSES == len(set(PALETTE)) == 19


def test_colorise_paints_each_pixel_and_leaves_ignored_ones_black() -> None:
    painted = colorise(np.array([[0, 13], [18, IGNORE]], np.uint8))

    assert painted.dtype == np.uint8
    assert painted.tolist() == [[[128, 64, 128], [0, 0, 142]], [[119, 11, 32], [0, 0, 0]]]
