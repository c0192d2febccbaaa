"""The part of a network that adaptation changes: what learns, and the running statistics."""

from collections.abc import Sequence

import torch
from torch import Tensor

from segada.models.segmentor import Segmentor


def learning_state(network: Segmentor, names: Sequence[str]) -> dict[str, Tensor]:
    """The named parameters and all buffers, detached; the frozen rest is the source model's and is never saved."""
    parameters = dict(network.named_parameters())
    return {name: parameters[name].detach() for name in names} | dict(network.named_buffers())


@torch.no_grad()
def load_learning_state(network: Segmentor, state: dict[str, Tensor]) -> None:
    """Copies the state back in place.

    Raises:
        KeyError: if the state holds a tensor that the network lacks.
    """
    own = dict(network.named_parameters()) | dict(network.named_buffers())
    for name, value in state.items():
        own[name].copy_(value)
