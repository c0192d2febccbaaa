"""Table of the controllers by their names in settings."""

from collections.abc import Callable, Mapping

from segada.controllers.base import Controller, ControllerParts
from segada.controllers.constant import Constant
from segada.controllers.hamlet import Hamlet
from segada.controllers.one_cycle_lr import OneCycle
from segada.controllers.poly_lr import Poly

CONTROLLERS: Mapping[str, Callable[[ControllerParts], Controller]] = {
    "constant": Constant,
    "one_cycle": OneCycle,
    "poly": Poly,
    "hamlet": Hamlet,
}
