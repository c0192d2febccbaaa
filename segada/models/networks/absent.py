"""Libraries of networks that need not be installed."""

import importlib
from types import ModuleType


def library(name: str, network: str) -> ModuleType:
    """Imports a library that builds networks.

    Args:
        name: Name of its package.
        network: Value of `model.network`, for the message.

    Raises:
        ValueError: It is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        raise ValueError(
            f"model.network {network!r} needs {name}, which is not installed; run pip install 'segada[networks]'"
        ) from None
