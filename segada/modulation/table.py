"""The controllers by the name that settings use."""

from collections.abc import Callable, Mapping

from segada.modulation.always import Always
from segada.modulation.base import Controller, ControllerParts
from segada.modulation.hamlet import Hamlet
from segada.modulation.one_cycle import OneCycle
from segada.modulation.poly import Poly

CONTROLLERS: Mapping[str, Callable[[ControllerParts], Controller]] = {
    "always": Always,
    "one_cycle": OneCycle,
    "poly": Poly,
    "hamlet": Hamlet,
}
