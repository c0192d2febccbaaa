"""Networks that code of the user builds."""

import inspect
from collections.abc import Callable
from typing import Final

from torch import nn

from segada.core.named_code import load_code
from segada.models.networks.contents import BuiltNetwork

NAMED: Final = ("classes", "num_classes", "n_classes")
"""Names of a parameter that gets the number of classes though it has a default."""


def build_own(name: str, classes: int) -> BuiltNetwork:
    """Calls `module:function` with the number of classes, or with nothing if it takes nothing.

    Raises:
        ValueError: There is no such function, it fails, or it returns no module.
    """
    function = load_code(name)
    if not callable(function):
        raise ValueError(f"model.network is {name}, a {type(function).__name__}; name a function that returns a module")
    given = _arguments(function, classes, name)
    try:
        module = function(*given[0], **given[1])
    except Exception as error:
        said = (str(error).strip().splitlines() or [""])[0]
        raise ValueError(f"model.network {name!r} fails when it is called: {type(error).__name__}: {said}") from error
    if not isinstance(module, nn.Module):
        raise ValueError(
            f"model.network {name!r} returns an object of type {type(module).__name__}; return a torch.nn.Module"
        )
    return BuiltNetwork(module.cpu().float())


def _arguments(function: Callable[..., object], classes: int, name: str) -> tuple[tuple[int, ...], dict[str, int]]:
    """Returns the positional and named arguments of the call: the number of classes where the function takes it."""
    parameters = inspect.signature(function).parameters.values()
    named = next((one.name for one in parameters if one.name in NAMED), None)
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    required = [one.name for one in parameters if one.default is one.empty and one.kind in plain]
    if named is not None and set(required) <= {named}:
        return (), {named: classes}
    if len(required) > 1:
        raise ValueError(
            f"model.network {name!r} takes {', '.join(required)}, but is called with the number of classes alone; give "
            "the others a default"
        )
    return ((classes,) if required else ()), {}
