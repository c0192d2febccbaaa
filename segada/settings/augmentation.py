"""Augmentation of frames before a network learns from them; all of it is off by default."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from segada.settings.base import Count, Fraction, Positive, Settings
from segada.settings.data import DataSettings

Ratio = Annotated[float, Field(ge=0.05, le=8.0)]
"""Ratio of a side to its former length; 8 makes 64 pixels of one."""
WindowSide = Annotated[int, Field(ge=32, le=8192)]
"""Side of a window in pixels; the deepest feature map has a stride of 32."""


class WindowSettings(Settings):
    """A window of fixed size, cut out of each frame after it is resized at random."""

    size: Annotated[tuple[WindowSide, WindowSide], Field(strict=False)] | None = None
    """Height and width of the window, in pixels; null trains on whole frames and uses no other setting of this section.
    Where a resized frame is smaller than the window, it is filled with the mean color, and these pixels are ignored."""
    resize: Annotated[tuple[Ratio, Ratio], Field(strict=False)] = (1.0, 1.0)
    """Least and greatest ratio by which a frame is resized first, drawn uniformly; 0.5 and 2 in most recipes."""
    class_share: Annotated[float, Field(gt=0.0, le=1.0)] = 0.75
    """Greatest share of a window's labelled pixels that one class may fill. A window with more of one class, or with a
    single class, is drawn again; 1 accepts every window."""
    tries: Annotated[int, Field(ge=1, le=10)] = 10
    """Greatest number of windows drawn for `class_share`, and of repetitions of this for `rare_share`; the last window
    is used in any case."""
    rare_share: Fraction = 0.5
    """Share of `stream.replay.min_pixels`. Where `stream.replay.policy` is `rare_class`, windows are drawn again until
    one has this many pixels of the class that its frame was drawn for (DAFormer); 0 accepts any."""

    @model_validator(mode="after")
    def _ratios_rise_and_are_read(self) -> Self:
        if self.resize[0] > self.resize[1]:
            raise ValueError(f"resize is {list(self.resize)}, but the smaller ratio must come first; swap them")
        if self.size is None and self.resize != (1.0, 1.0):
            raise ValueError(
                f"resize is {list(self.resize)}, but size is null, and frames of different sizes make no batch; set "
                "size to that of the windows"
            )
        return self


class DistortionSettings(Settings):
    """Photometric distortion (Liu et al. 2016): brightness, then saturation and hue, with contrast at random before or
    after these two.

    Pixels are clipped to [0, 1] after each change.
    """

    probability: Fraction = 0.0
    """Probability of each of the four changes, drawn independently; 0.5 in published recipes, 0 is off."""
    brightness: Fraction = 32 / 255
    """Greatest amount that is added to, or subtracted from, pixels in [0, 1]."""
    contrast: Fraction = 0.5
    """Pixels are multiplied by a factor from 1 - contrast to 1 + contrast."""
    saturation: Fraction = 0.5
    """The saturation of HSV is multiplied by a factor from 1 - saturation to 1 + saturation."""
    hue: Annotated[float, Field(ge=0.0, le=180.0)] = 18.0
    """Greatest shift of the hue, in degrees. The 18 of mmsegmentation, which are OpenCV's steps of two degrees, are 36
    here."""


class ClaheSettings(Settings):
    """Contrast-limited adaptive histogram equalization of each channel by itself (Zuiderveld 1994), on 8-bit values."""

    probability: Fraction = 0.0
    """Probability of equalizing a frame; 0 is off."""
    clip_limit: Positive = 40.0
    """Clip limit of the histogram, which bounds the slope of the equalization; smaller changes less."""
    grid: Annotated[tuple[Count, Count], Field(strict=False)] = (8, 8)
    """Number of tiles vertically and horizontally; each side of a frame must have at least as many pixels."""


class GammaSettings(Settings):
    """Gamma augmentation: pixels p in [0, 1] become p^(1/gamma)."""

    probability: Fraction = 0.0
    """Probability of changing a frame; 0 is off."""
    lowest: Positive = 0.5
    """Least gamma; below 1 darkens."""
    highest: Positive = 2.0
    """Greatest gamma. Gamma is drawn log-uniformly from `lowest` to `highest`; if both are 1, nothing changes."""

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.lowest > self.highest:
            raise ValueError(f"lowest is {self.lowest}, but highest is {self.highest}; swap them")
        return self


class StyleSettings(Settings):
    """Style augmentation (color and light) of replayed source frames, in this order, before all other augmentation of a
    method."""

    distortion: DistortionSettings = DistortionSettings()
    clahe: ClaheSettings = ClaheSettings()
    gray_probability: Fraction = 0.0
    """Probability of replacing a frame by its luma in all three channels; 0 is off."""
    gamma: GammaSettings = GammaSettings()


def check_window(window: WindowSettings, data: DataSettings, *, padded: bool = True) -> None:
    """Checks that the window is not larger than every resized frame, which would always be padded.

    Args:
        window: Settings of the windows.
        data: Settings with the size of the frames.
        padded: False if no frame may be padded, since its labels do not say where.

    Raises:
        ValueError: The window is too large; the message names the sizes and the cure.
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
    smallest = [round(window.resize[0] * side) for side in data.size]
    if not padded and any(wanted > there for wanted, there in zip(window.size, smallest, strict=True)):
        raise ValueError(
            f"method.window.size is {list(window.size)}, but frames of data.size {list(data.size)}, resized by "
            f"{window.resize[0]} at least, can be as small as {smallest}, and pseudo-labels of the filling would "
            "count; choose a smaller window, or a greater lower end of method.window.resize"
        )


def check_grid(style: StyleSettings, size: tuple[int, int]) -> None:
    """Checks that every tile of the histogram equalization holds a pixel.

    Raises:
        ValueError: The grid has more tiles than pixels; the message names the grid and the cure.
    """
    grid = style.clahe.grid
    if style.clahe.probability > 0.0 and any(tiles > side for tiles, side in zip(grid, size, strict=True)):
        raise ValueError(
            f"method.style.clahe.grid is {list(grid)}, but frames are {list(size)} pixels; choose fewer tiles"
        )
