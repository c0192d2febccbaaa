"""The controllers by the name that settings use."""

from collections.abc import Callable, Mapping

from segada.modulation.always import Always
from segada.modulation.base import Controller, ControllerParts
from segada.modulation.hamlet import Hamlet
from segada.modulation.one_cycle import OneCycle

CONTROLLERS: Mapping[str, Callable[[ControllerParts], Controller]] = {
    "always": Always,
    "one_cycle": OneCycle,
    "hamlet": Hamlet,
}
