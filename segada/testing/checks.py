"""Tensors, settings and comparisons that the contracts of several roles use."""

from collections.abc import Mapping
from typing import Final

import torch
from torch import Tensor, nn

from segada.settings.nested import Tree
from segada.testing.findings import require

TINY: Final[Tree] = {
    "data": {"size": [32, 64], "splits": {"source": 12, "adapt": 16, "val": 4, "test": 4}},
    "stream": {"visits": ["clear", "200mm"], "frames": 8, "replay": {"size": 12}},
    "evaluation": {"split": "val"},
}
"""Settings of a run of two visits of a few small frames."""


def require_equal(found: Tensor, expected: Tensor, problem: str) -> None:
    """Requires that two tensors are equal bit for bit."""
    require(torch.equal(found, expected), problem)


def require_close(found: Tensor, expected: Tensor, problem: str, tolerance: float = 1e-4) -> None:
    """Requires that two tensors are equal up to rounding."""
    require(torch.allclose(found, expected, rtol=tolerance, atol=tolerance), problem)


def snapshot(module: nn.Module) -> dict[str, Tensor]:
    """Returns copies of all parameters by name."""
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def changed(module: nn.Module, before: Mapping[str, Tensor]) -> set[str]:
    """Returns the names of parameters that differ from a snapshot."""
    return {name for name, value in module.named_parameters() if not torch.equal(value, before[name])}


def pictures(count: int = 2, size: tuple[int, int] = (32, 64)) -> Tensor:
    """Returns the same random images [B, 3, H, W] each time."""
    return torch.rand((count, 3, *size), generator=torch.Generator().manual_seed(1))


def listed(names: set[str] | list[str]) -> str:
    """Returns the first names as text, and the number of the others."""
    first = sorted(names)[:3]
    return ", ".join(first) + (f" and {len(names) - len(first)} more" if len(names) > len(first) else "")
