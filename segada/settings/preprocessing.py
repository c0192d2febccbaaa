"""Preprocessing of pixels that is given for a network in the place of its checkpoint's own."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from segada.settings.base import NonNegative, Positive, Settings


class PreprocessingSettings(Settings):
    """Mean, standard deviation and order of channels of the pixels that the encoder's weights expect."""

    mean: Annotated[tuple[NonNegative, NonNegative, NonNegative], Field(strict=False)]
    """Mean of each channel, in the order of `channel_order`; 0.5 for each, with a standard deviation of 0.5, maps
    pixels to [-1, 1], and 0, with 1, leaves them as they are."""
    std: Annotated[tuple[Positive, Positive, Positive], Field(strict=False)]
    """Standard deviation of each channel, in the order of `channel_order`."""
    channel_order: Literal["rgb", "bgr"] = "rgb"
    """Order of the channels that the encoder reads; images are converted to it."""
    max_pixel_value: Positive = 1.0
    """Value of a white pixel before the mean is subtracted: 1, or 255 if mean and standard deviation are of bytes."""

    @model_validator(mode="after")
    def _mean_is_a_color(self) -> Self:
        if max(self.mean) > self.max_pixel_value:
            raise ValueError(
                f"mean is {list(self.mean)}, but max_pixel_value is {self.max_pixel_value:g}, and no mean is above "
                "white; set max_pixel_value to 255 for the mean of bytes"
            )
        return self
