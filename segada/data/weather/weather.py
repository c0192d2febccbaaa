"""Weather on pictures with known depth: rain by its rate, fog by its visibility, night."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from segada.data.frames import Bytes
from segada.data.weather.atmosphere import Picture, extinction, grain, veiled
from segada.data.weather.depth import Depth
from segada.data.weather.night import darkened
from segada.data.weather.rain import rained

FOG_LIGHT = np.array([0.78, 0.79, 0.80], np.float32)
"""Color of deep fog."""
FOG_NOISE = 0.01

WEATHER = 3
"""Last part of the seed of a frame's weather, so that it shares no random stream with other draws about the frame."""

Render = Callable[[Picture, Depth, np.random.Generator], Picture]


@dataclass(frozen=True, slots=True)
class Weather:
    """Weather by its causes; all defaults together are clear weather."""

    rain: float = 0.0
    """Rain rate in mm/h."""
    visibility: float | None = None
    """Visibility in metres; None for no fog."""
    night: bool = False


NAMES: tuple[tuple[str, Callable[[float], Weather]], ...] = (
    (r"clear()", lambda _: Weather()),
    (r"night()", lambda _: Weather(night=True)),
    (r"([1-9]\d*)mm", lambda rate: Weather(rain=rate)),
    (r"fog([1-9]\d*)m", lambda visibility: Weather(visibility=visibility)),
)


def parse_weather(name: str) -> Weather:
    """Parses the name of a weather: `clear`, `25mm` (rain per hour), `fog150m` (visibility) or `night`."""
    for pattern, weather in NAMES:
        found = re.fullmatch(pattern, name)
        if found:
            return weather(float(found[1] or 0.0))
    raise ValueError(f"weather is {name!r}, but must be clear, night, rain such as 25mm or fog such as fog150m")


def render_weather(images: Bytes, depth: Depth, weather: Weather, seed: int, numbers: Sequence[int]) -> Bytes:
    """Renders weather onto pictures taken in clear weather.

    Args:
        images: uint8 [N, H, W, 3], RGB.
        depth: float32 metres, [N, H, W] or, the same for all, [H, W].
        weather: Weather to render; clear weather returns the images unchanged.
        seed: Seed of the recording.
        numbers: Number of each image within the recording. The weather in a frame depends on the seed and on this
            number alone, however frames are divided into calls.
    """
    if weather == Weather():
        return images
    depths = np.broadcast_to(depth, images.shape[:3])
    rendered = np.empty_like(images)
    for place, (image, metres, number) in enumerate(zip(images, depths, numbers, strict=True)):
        generator = np.random.default_rng((seed, number, WEATHER))
        picture = _render(image.astype(np.float32) / np.float32(255.0), metres, weather, generator)
        rendered[place] = (np.clip(picture, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)
    return rendered


def _render(picture: Picture, depth: Depth, weather: Weather, generator: np.random.Generator) -> Picture:
    if weather.night:
        picture = darkened(picture, depth, generator)
    if weather.visibility is not None:
        picture = grain(veiled(picture, depth, extinction(weather.visibility), FOG_LIGHT), FOG_NOISE, generator)
    if weather.rain > 0.0:
        picture = rained(picture, depth, weather.rain, generator)
    return picture
