"""Preprocessing of pixels: mean, standard deviation and order of channels that an encoder's weights expect."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from segada.settings.preprocessing import PreprocessingSettings

Triple: TypeAlias = tuple[float, float, float]

IMAGENET_MEAN: Final[Triple] = (0.485, 0.456, 0.406)
IMAGENET_STD: Final[Triple] = (0.229, 0.224, 0.225)
CURE: Final = "give it in model.preprocessing"
"""Cure for a checkpoint whose statement of its preprocessing cannot be read."""


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A map from pixels in [0, 1] to inputs of an encoder: the channels in its order, minus the mean, over the standard
    deviation.

    Attributes:
        mean: Mean of each channel in the encoder's order, where white is 1.
        std: Standard deviation of each channel in the encoder's order, where white is 1.
        channel_order: Order of the channels that the encoder reads.
        source: Words that say where the values come from.
    """

    mean: Triple = IMAGENET_MEAN
    std: Triple = IMAGENET_STD
    channel_order: Literal["rgb", "bgr"] = "rgb"
    source: str = field(default="ImageNet's, since the checkpoint states none", compare=False)

    @property
    def mean_color(self) -> Triple:
        """Red, green and blue in [0, 1] of the color that becomes zero, or of the nearest one."""
        first, second, third = (min(max(value, 0.0), 1.0) for value in self.mean)
        return (third, second, first) if self.channel_order == "bgr" else (first, second, third)

    def __str__(self) -> str:
        return f"{self.values} ({self.source})"

    @property
    def values(self) -> str:
        """Words for everything but the source."""
        mean, std = (" ".join(f"{value:.4g}" for value in values) for values in (self.mean, self.std))
        return f"{self.channel_order.upper()} in [0, 1], mean {mean}, standard deviation {std}"

    def facts(self) -> dict[str, Any]:
        """Returns the entry of a file's metadata, or of a run's state, that states it; empty for ImageNet's, which is
        meant where there is none."""
        if self == IMAGENET:
            return {}
        return {"preprocessing": {"mean": self.mean, "std": self.std, "channel_order": self.channel_order}}

    def check_begun(self, state: Mapping[str, Any]) -> None:
        """Checks that a run continues with the preprocessing that it began with.

        Args:
            state: State of the run, with the entry of `facts`.

        Raises:
            ValueError: The checkpoint of the source model states another one by now.
        """
        begun = from_facts(state, "the run's state")
        if begun != self:
            raise ValueError(
                f"the run began with pixels as {begun.values}, but would continue with {self}; begin it again in "
                "another folder, or give model.checkpoint its former files again"
            )


IMAGENET: Final = Preprocessing()
"""Preprocessing of most published weights, and of all networks that were trained here without another one."""


def from_facts(facts: Mapping[str, Any], source: str) -> Preprocessing:
    """Returns what an entry written by `Preprocessing.facts` states; ImageNet's without an entry."""
    stated = facts.get("preprocessing")
    if stated is None:
        return IMAGENET
    if not isinstance(stated, dict):
        raise ValueError(f"{source} has preprocessing {stated!r}, which is no mapping; {CURE}")
    order = stated.get("channel_order", "rgb")
    return scaled(stated.get("mean"), stated.get("std"), 1.0, order, source)


def from_settings(settings: PreprocessingSettings) -> Preprocessing:
    """Returns the preprocessing that `model.preprocessing` gives."""
    return scaled(
        settings.mean, settings.std, settings.max_pixel_value, settings.channel_order, "given in model.preprocessing"
    )


def scaled(mean: object, std: object, white: float, order: object, source: str) -> Preprocessing:
    """Returns the preprocessing that other code states in its own units.

    Args:
        mean: Three numbers in the encoder's order, or one for all channels.
        std: As `mean`.
        white: Value of a white pixel before the mean is subtracted: 1, or 255.
        order: `rgb` or `bgr`, in any case.
        source: Words that say where the values come from.

    Raises:
        ValueError: They are no such numbers.
    """
    if not (math.isfinite(white) and white > 0.0):
        raise ValueError(f"{source} scales pixels so that white becomes {white:g}, which is not above 0; {CURE}")
    means, stds = _triple(mean, "mean", source), _triple(std, "standard deviation", source)
    if min(stds) <= 0.0:
        raise ValueError(f"{source} has standard deviation {std!r}, which must be above 0; {CURE}")
    words = str(order).lower()
    if words not in ("rgb", "bgr"):
        raise ValueError(f"{source} has channels in the order {order!r}, which is neither RGB nor BGR; {CURE}")
    return Preprocessing(_over(means, white), _over(stds, white), "bgr" if words == "bgr" else "rgb", source)


def _triple(values: object, name: str, source: str) -> Triple:
    numbers = list(values) if isinstance(values, Sequence) and not isinstance(values, str) else [values]
    finite = [
        float(one)
        for one in numbers
        if isinstance(one, int | float) and not isinstance(one, bool) and math.isfinite(one)
    ]
    if len(finite) != len(numbers) or len(finite) not in (1, 3):
        raise ValueError(
            f"{source} has {name} {values!r}, which is not one number, or three for three channels; {CURE}"
        )
    first, second, third = finite * (3 // len(finite))
    return first, second, third


def _over(values: Triple, white: float) -> Triple:
    # Rounded, so that 123.675 / 255 is 0.485, the number that other files have.
    first, second, third = (round(value / white, 12) for value in values)
    return first, second, third
