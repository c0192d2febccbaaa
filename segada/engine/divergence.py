"""Ends a run whose losses or parameters are no longer finite."""

import math

from torch import nn

from segada.methods.base import StepLog


class Diverged(RuntimeError):
    """A loss or a parameter is not finite; the message says which, where, and what to try."""


def finite_values(log: StepLog, place: str) -> dict[str, float]:
    """Returns the values of a step as numbers.

    Raises:
        Diverged: one is not finite.
    """
    values = {name: float(value) for name, value in log.items()}
    for name, value in values.items():
        if not math.isfinite(value):
            raise Diverged(
                f"the loss term '{name}' is {value} in {place}; a smaller learning rate or loss weight may help"
            )
    return values


def check_parameters(network: nn.Module, place: str) -> None:
    """Checks the parameters of a network.

    Raises:
        Diverged: one is not finite.
    """
    if not all(parameter.isfinite().all() for parameter in network.parameters()):
        raise Diverged(f"a parameter is no longer finite after {place}; a smaller learning rate may help")
