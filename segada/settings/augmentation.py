"""What is done to labelled source frames before a network learns from them; all of it is off by default."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from segada.settings.base import Count, Fraction, Positive, Settings
from segada.settings.data import DataSettings

Ratio = Annotated[float, Field(ge=0.05, le=8.0)]
"""Of a side to what it was; 8 makes 64 pixels of one."""
WindowSide = Annotated[int, Field(ge=32, le=8192)]
"""In pixels; the deepest map has a stride of 32."""


class WindowSettings(Settings):
    """A window of fixed size, cut out of each frame after that was enlarged or made smaller."""

    size: Annotated[tuple[WindowSide, WindowSide], Field(strict=False)] | None = None
    """Height and width of the window, in pixels; null learns from whole frames and reads nothing else here. What a
    frame lacks, once resized, is filled with the mean color and ignored."""
    resize: Annotated[tuple[Ratio, Ratio], Field(strict=False)] = (1.0, 1.0)
    """Least and greatest ratio by which a frame is resized first, drawn evenly; 0.5 and 2 in most recipes."""
    class_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.75
    """A window is drawn again while a class fills this share of its labelled pixels, or it shows a single one; 1
    takes every window."""
    tries: Annotated[int, Field(ge=1, le=10)] = 10
    """Windows that are drawn at most for `class_share`, and times that this is begun anew for `rare_share`; the last
    one is taken whatever it shows."""
    rare_share: Fraction = 0.5
    """Where `stream.replay.policy` is `rare_class`, windows are drawn again until one has this share of
    `stream.replay.min_pixels` pixels of the class that its frame was drawn for (DAFormer); 0 takes any."""

    @model_validator(mode="after")
    def _ratios_rise_and_are_read(self) -> Self:
        if self.resize[0] > self.resize[1]:
            raise ValueError(f"resize is {list(self.resize)}, but the least ratio comes first; turn them round")
        if self.size is None and self.resize != (1.0, 1.0):
            raise ValueError(
                f"resize is {list(self.resize)}, but size is null, and frames of different sizes make no batch; set "
                "size to that of the windows"
            )
        return self


class DistortionSettings(Settings):
    """Brightness, then saturation and hue, with contrast before or after these two, as either falls (Liu et al. 2016).

    What leaves the range of a pixel is clipped after each change.
    """

    probability: Fraction = 0.0
    """Of each of the four changes by itself; 0.5 in published recipes, 0 is off."""
    brightness: Fraction = 32 / 255
    """Greatest amount that is added to, or taken from, pixels in [0, 1]."""
    contrast: Fraction = 0.5
    """Pixels are multiplied by a factor from 1 - contrast to 1 + contrast."""
    saturation: Fraction = 0.5
    """The saturation of HSV is multiplied by a factor from 1 - saturation to 1 + saturation."""
    hue: Annotated[float, Field(ge=0.0, le=180.0)] = 18.0
    """Greatest turn of the hue, in degrees. The 18 of mmsegmentation, which are OpenCV's steps of two, are 36 here."""


class ClaheSettings(Settings):
    """Histogram equalization within tiles, of each channel by itself (Zuiderveld 1994), on whole bytes."""

    probability: Fraction = 0.0
    """Of equalizing a frame; 0 is off."""
    clip_limit: Positive = 40.0
    """How steep the equalization may be at most; smaller changes less."""
    grid: Annotated[tuple[Count, Count], Field(strict=False)] = (8, 8)
    """Tiles down and across; each side of a frame must have as many pixels."""


class GammaSettings(Settings):
    """Pixels p in [0, 1] become p^(1/gamma)."""

    probability: Fraction = 0.0
    """Of changing a frame; 0 is off."""
    lowest: Positive = 0.5
    """Least gamma; below 1 darkens."""
    highest: Positive = 2.0
    """Greatest gamma, drawn evenly in its logarithm from `lowest` on; where both are 1 nothing changes."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"lowest is {self.lowest}, but highest is {self.highest}; turn them round")
        return self


class StyleSettings(Settings):
    """Changes of color and light of replayed source frames, in this order, before all others that a method makes."""

    distortion: DistortionSettings = DistortionSettings()
    clahe: ClaheSettings = ClaheSettings()
    gray_probability: Fraction = 0.0
    """Of replacing a frame by its luma in all three channels; 0 is off."""
    gamma: GammaSettings = GammaSettings()


def check_window(window: WindowSettings, data: DataSettings) -> None:
    """A window that no frame can fill would always be padded.

    Raises:
        ValueError: names the side that is too long, and the cure.
    """
    if window.size is None:
        return
    largest = [round(window.resize[1] * side) for side in data.size]
    if any(wanted > there for wanted, there in zip(window.size, largest, strict=True)):
        raise ValueError(
            f"method.window.size is {list(window.size)}, but frames of data.size {list(data.size)}, resized by "
            f"{window.resize[1]} at most, are never larger than {largest}; choose a smaller window, or a greater "
            "method.window.resize"
        )


def check_grid(style: StyleSettings, size: tuple[int, int]) -> None:
    """Tiles of equalization must hold a pixel.

    Raises:
        ValueError: names the grid, and the cure.
    """
    grid = style.clahe.grid
    if style.clahe.probability > 0.0 and any(tiles > side for tiles, side in zip(grid, size, strict=True)):
        raise ValueError(
            f"method.style.clahe.grid is {list(grid)}, but frames are {list(size)} pixels; choose fewer tiles"
        )
