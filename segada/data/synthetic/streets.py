"""Procedural streets: scenes with labels and depth, the same in every process, and the data set made of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from segada.data.cache.frame_cache import Unreadable
from segada.data.datasets.domain_frames import Integers, LabelledFrame, ListedFrames
from segada.data.datasets.left_out import LeftOut
from segada.data.frames import Bytes, Frames
from segada.data.splits import Split
from segada.data.synthetic.dice import Dice
from segada.data.synthetic.layout import paint_street
from segada.data.synthetic.shading import shade
from segada.data.weather.depth import Depth
from segada.data.weather.weather import parse_weather, render_weather
from segada.settings.class_sets import CITYSCAPES
from segada.settings.data import DataSettings
from segada.settings.domains import StreetsDomain

SUPERSAMPLING = 2
"""Factor of supersampling: pictures are rendered finer by it, then averaged, so that their edges are soft; labels are
not averaged."""

SPLIT_CAPACITY = 1_000_000
"""Greatest number of scenes of a split."""
FIRST_SCENE: dict[Split, int] = {
    "source": 0,
    "adapt": SPLIT_CAPACITY,
    "val": 2 * SPLIT_CAPACITY,
    "test": 3 * SPLIT_CAPACITY,
}
"""Number of the first scene of each split."""

AT_ONCE = 32
"""Number of scenes that are rendered together when they are wanted one after the other."""

LOOK, LAYOUT = 0, 1
"""Purposes of a scene's generators."""


@dataclass(frozen=True, slots=True)
class Scenes:
    """Rendered scenes in clear weather.

    Attributes:
        images: uint8 [N, H, W, 3], RGB.
        labels: uint8 [N, H, W], train ids 0 to 18.
        depth: float32 [N, H, W], metres, at most `segada.data.weather.depth.FAR`, which the sky has.
    """

    images: Bytes
    labels: Bytes
    depth: Depth


def render_scenes(world: int, indices: Sequence[int], size: tuple[int, int]) -> Scenes:
    """Renders scenes of a world. A scene depends only on the world, its index and the size.

    Args:
        world: Seed of the world.
        indices: Numbers of the scenes, from 0.
        size: Height and width in pixels; the same scene has more detail at a greater size.
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


@dataclass(frozen=True, slots=True)
class StreetFrames:
    """Frames of a split in a domain's weather, rendered on request.

    Attributes:
        domain: World and weather.
        size: Height and width.
        split: Split of the frames.
        listed: Number of frames.
    """

    domain: StreetsDomain
    size: tuple[int, int]
    split: Split
    listed: int

    @property
    def unreadable(self) -> tuple[Unreadable, ...]:
        """Always empty."""
        return ()

    @property
    def left_out(self) -> LeftOut:
        """Always empty."""
        return {}

    @property
    def recordings(self) -> Integers:
        """A number for each frame: every scene is drawn by itself, from generators of its own."""
        return np.arange(self.listed, dtype=np.int64)

    @property
    def mapped(self) -> bool:
        """Always False: rendering is fast enough to make a cache unnecessary."""
        return False

    def __len__(self) -> int:
        return self.listed

    def load(self, indices: Sequence[int] | None = None) -> Frames:
        """Returns the frames of these numbers; all if not given."""
        wanted = range(self.listed) if indices is None else indices
        numbers = tuple(FIRST_SCENE[self.split] + index for index in wanted)
        scenes = _remembered(self.domain.world, numbers, self.size)
        weather = parse_weather(self.domain.weather)
        images = render_weather(scenes.images, scenes.depth, weather, self.domain.world, numbers)
        return Frames(images, scenes.labels)


class Streets:
    """The data set of procedural streets: every weather shows the same scenes.

    A greater number of frames of a split begins with the same scenes as a smaller one, and splits share no scene.
    """

    recorded = False

    def listed(self, domain: StreetsDomain, data: DataSettings, split: Split) -> ListedFrames:  # noqa: ARG002 - all alike
        """Counts the frames of a split.

        Raises:
            ValueError: `data.classes` is another set than that of Cityscapes.
        """
        if data.classes != CITYSCAPES:
            raise ValueError(
                "the procedural streets have the classes of Cityscapes, but data.classes is another set; set it to "
                "cityscapes, or remove this domain from the stream"
            )
        return ListedFrames(data.splits.model_dump()[split], {})

    def open(self, domain: StreetsDomain, data: DataSettings, split: Split) -> StreetFrames:
        """Returns the frames of a split in the domain's weather; raises the errors of `listed`."""
        return StreetFrames(domain, data.size, split, self.listed(domain, data, split).count)

    def labelled(self, domain: StreetsDomain, data: DataSettings, split: Split) -> Iterator[LabelledFrame]:
        """Yields the frames of a split, rendered some at a time, named by their numbers."""
        frames = self.open(domain, data, split)
        for start in range(0, len(frames), AT_ONCE):
            some = frames.load(range(start, min(start + AT_ONCE, len(frames))))
            for place, (image, labels) in enumerate(zip(some.images, some.labels, strict=True), start):
                yield LabelledFrame(f"{split}_{place:06}", image, labels)


@lru_cache(maxsize=4)
def _remembered(world: int, numbers: tuple[int, ...], size: tuple[int, int]) -> Scenes:
    """Renders scenes, with a cache for the four splits, which are requested once per weather; scenes cost several times
    as much as weather."""
    scenes = render_scenes(world, numbers, size)
    for array in (scenes.images, scenes.labels, scenes.depth):
        array.setflags(write=False)
    return scenes


def _exposed(picture: Depth, generator: np.random.Generator) -> Bytes:
    """Applies the camera's exposure, white balance, contrast and a little noise to a picture."""
    gain = generator.uniform(0.85, 1.15) * generator.uniform(0.96, 1.04, 3)
    noise = generator.standard_normal(picture.shape, dtype=np.float32) * np.float32(0.012)
    exposed = np.clip(picture * gain.astype(np.float32) + noise, 0.0, 1.0)
    return (exposed * 255.0 + 0.5).astype(np.uint8)
