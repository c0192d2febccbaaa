"""Initialization of the layers of image adapters, with a generator that is passed in."""

import math
from typing import TypeVar

import torch
from torch import nn

Module = TypeVar("Module", bound=nn.Module)


def filled(module: Module, generator: torch.Generator) -> Module:
    """Moves a module from the meta device to the CPU and initializes it; returns the module.

    Convolutions from a normal by fan-out, linear layers from a truncated normal of deviation 0.02, biases 0, norms as
    the identity. Parameters that belong to none of these layers are left uninitialized.

    Args:
        module: Module built under `torch.device("meta")`, because PyTorch's own initialization would draw from the
            global generator.
        generator: Generator of the initialization.
    """
    module.to_empty(device="cpu").to(memory_format=torch.channels_last)
    for part in module.modules():
        if isinstance(part, nn.LayerNorm | nn.GroupNorm):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
        elif isinstance(part, nn.Linear):
            nn.init.trunc_normal_(part.weight, std=0.02, generator=generator)
            _zero_bias(part)
        elif isinstance(part, nn.Conv2d):
            fan_out = part.kernel_size[0] * part.kernel_size[1] * part.out_channels
            nn.init.normal_(part.weight, std=math.sqrt(2.0 / fan_out), generator=generator)
            _zero_bias(part)
    return module


def silent(layer: nn.Linear | nn.Conv2d) -> None:
    """Sets a layer to zero, so that its output is exactly zero until it has learned."""
    nn.init.zeros_(layer.weight)
    _zero_bias(layer)


def _zero_bias(layer: nn.Linear | nn.Conv2d) -> None:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
