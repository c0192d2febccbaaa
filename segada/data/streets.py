"""Procedural streets: scenes with labels and depth, the same in every process, and the data set made of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from segada.data.depth import Depth
from segada.data.dice import Dice
from segada.data.frames import Bytes, Frames
from segada.data.splits import Split
from segada.data.streets_layout import paint_street
from segada.data.streets_shading import shade
from segada.data.weather import parse_weather, render_weather
from segada.settings.data import DataSettings, StreetsDomain

SUPERSAMPLING = 2
"""Pixels are drawn so many times finer, then averaged: edges of a picture are soft, its labels are not."""

SPLIT_CAPACITY = 1_000_000
"""Scenes that a split can have."""
FIRST_SCENE: dict[Split, int] = {
    "source": 0,
    "adapt": SPLIT_CAPACITY,
    "select": 2 * SPLIT_CAPACITY,
    "report": 3 * SPLIT_CAPACITY,
}
"""Number of the first scene of each split."""

LOOK, LAYOUT = 0, 1
"""Purposes of a scene's generators."""


@dataclass(frozen=True, slots=True)
class Scenes:
    """Rendered scenes in clear weather.

    Attributes:
        images: uint8 [N, H, W, 3], RGB.
        labels: uint8 [N, H, W], train ids 0 to 18.
        depth: float32 [N, H, W], metres, at most `segada.data.depth.FAR`, which the sky has.
    """

    images: Bytes
    labels: Bytes
    depth: Depth


def render_scenes(world: int, indices: Sequence[int], size: tuple[int, int]) -> Scenes:
    """Renders scenes of a world. A scene depends on nothing but the world, its index and the size.

    Args:
        world: seed of the world.
        indices: numbers of the scenes, from 0.
        size: height and width in pixels; the same scene is drawn finer at a greater size.
    """
    count = len(indices)
    scenes = Scenes(
        np.empty((count, *size, 3), np.uint8), np.empty((count, *size), np.uint8), np.empty((count, *size), np.float32)
    )
    for place, index in enumerate(indices):
        canvas = paint_street(Dice(world, index, LAYOUT), (size[0] * SUPERSAMPLING, size[1] * SUPERSAMPLING))
        picture, scenes.labels[place], scenes.depth[place] = shade(canvas, SUPERSAMPLING)
        scenes.images[place] = _exposed(picture, np.random.default_rng((world, index, LOOK)))
    return scenes


def count_streets(domain: StreetsDomain, data: DataSettings, split: Split) -> int:  # noqa: ARG001 - all domains alike
    """How many frames a split has.

    Raises:
        ValueError: more are asked for than there are scenes.
    """
    count: int = data.splits.model_dump()[split]
    if count > SPLIT_CAPACITY:
        raise ValueError(f"data.splits.{split} is {count}, but streets have at most {SPLIT_CAPACITY} scenes in a split")
    return count


def load_streets(
    domain: StreetsDomain, data: DataSettings, split: Split, indices: Sequence[int] | None = None
) -> Frames:
    """The frames of a split in the domain's weather; every weather shows the same scenes.

    More frames of a split begin with the same ones as fewer, and no split shares a scene with another.

    Args:
        domain: world and weather.
        data: size, and frames per split.
        split: the purpose.
        indices: numbers of the frames wanted, from 0 to `count_streets` - 1; all if not given.
    """
    wanted = range(count_streets(domain, data, split)) if indices is None else indices
    numbers = tuple(FIRST_SCENE[split] + index for index in wanted)
    scenes = _remembered(domain.world, numbers, data.size)
    images = render_weather(scenes.images, scenes.depth, parse_weather(domain.weather), domain.world, numbers)
    return Frames(images, scenes.labels)


@lru_cache(maxsize=4)
def _remembered(world: int, numbers: tuple[int, ...], size: tuple[int, int]) -> Scenes:
    """The four splits are asked for once per weather; scenes are several times dearer than weather."""
    scenes = render_scenes(world, numbers, size)
    for array in (scenes.images, scenes.labels, scenes.depth):
        array.setflags(write=False)
    return scenes


def _exposed(picture: Depth, generator: np.random.Generator) -> Bytes:
    """What the camera makes of a picture: exposure, white balance, contrast and a little noise."""
    gain = generator.uniform(0.85, 1.15) * generator.uniform(0.96, 1.04, 3)
    noise = generator.standard_normal(picture.shape, dtype=np.float32) * np.float32(0.012)
    exposed = np.clip(picture * gain.astype(np.float32) + noise, 0.0, 1.0)
    return (exposed * 255.0 + 0.5).astype(np.uint8)
