"""Settings of the controllers, which decide whether and at what rate each step learns."""

from typing import Annotated, Literal

from pydantic import Field

from segada.settings.base import Fraction, Positive, Settings
from segada.settings.hamlet import HamletSettings
from segada.settings.named_kinds import CodeSettings, Kinds


class ConstantSettings(Settings):
    """Learn from every frame at a constant rate."""

    name: Literal["constant"] = "constant"


class OneCycleSettings(Settings):
    """Learn from every frame; the rate rises, then falls to zero at the end of the stream (Smith 2018)."""

    name: Literal["one_cycle"]
    warm_up: Annotated[Fraction, Field(gt=0.0, lt=1.0)] = 0.2
    """Share of all steps in which the rate rises to `lr`."""


class PolySettings(Settings):
    """Learn from every frame; the rate falls as a power of the remaining share of the stream (Chen et al. 2017,
    DeepLab).

    The defaults are SegFormer's: linear decay with a linear warm-up.
    """

    name: Literal["poly"]
    power: Positive = 1.0
    """Exponent: the rate is `lr` times (share of remaining steps)^power; 1 is a linear decay."""
    warm_up: Annotated[Fraction, Field(lt=1.0)] = 0.0375
    """Share of all steps over which a factor on the rate rises linearly to 1: 1500 of 40,000 in the recipe; 0 is
    off."""
    start: Fraction = 1e-6
    """Value of the warm-up factor at the first step."""
    least: Fraction = 0.0
    """Share of `lr` at which the decay ends."""


class CodeController(CodeSettings):
    """Controller of the user."""

    role = "controller"

    name: str


ControllerSettings = Annotated[
    ConstantSettings | OneCycleSettings | PolySettings | HamletSettings | CodeController, Kinds()
]
