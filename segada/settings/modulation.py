"""Whether and how strongly each step learns."""

from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Fraction, Settings
from segada.settings.hamlet import HamletSettings


class AlwaysSettings(Settings):
    """Learn from every frame at a constant rate."""

    name: Literal["always"] = "always"


class OneCycleSettings(Settings):
    """Learn from every frame; the rate rises, then falls to zero at the end of the stream (Smith 2018)."""

    name: Literal["one_cycle"]
    warm_up: Annotated[Fraction, Field(gt=0.0, lt=1.0)] = 0.2
    """Share of all steps in which the rate rises to `learning_rate`."""


ModulationSettings = Annotated[AlwaysSettings | OneCycleSettings | HamletSettings, Field(discriminator="name")]
