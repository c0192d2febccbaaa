"""Sizes of frames that are proposed."""

import pytest

from segada.data.discovery.frame_size import proposed_size


@pytest.mark.parametrize(
    ("image", "longest", "size"),
    [
        ((1024, 2048), 320, (160, 320)),
        ((1080, 1920), 320, (160, 288)),
        ((360, 480), 320, (192, 256)),
        ((360, 480), 1024, (352, 480)),
        ((1920, 1080), 320, (288, 160)),
        ((20, 30), 320, (32, 32)),
    ],
)
def test_a_size_has_the_aspect_ratio_and_sides_of_multiples_of_32(
    image: tuple[int, int], longest: int, size: tuple[int, int]
) -> None:
    assert proposed_size([image], longest) == size


def test_of_several_ratios_the_median_counts() -> None:
    assert proposed_size([(100, 100), (1024, 2048), (1024, 2048), (512, 1024)], 320) == (160, 320)
