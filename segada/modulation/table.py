"""The controllers by the name that settings use."""

from collections.abc import Callable, Mapping

from segada.modulation.always import Always
from segada.modulation.base import Controller
from segada.modulation.one_cycle import OneCycle
from segada.settings.modulation import ModulationSettings

CONTROLLERS: Mapping[str, Callable[[ModulationSettings], Controller]] = {
    "always": lambda _: Always(),
    "one_cycle": OneCycle,
}
