"""Checks: sentences that hold or do not hold of a part, and the reason."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import torch
from torch import Tensor, nn

from segada.errors import InputError
from segada.settings.nested import Tree

Case = TypeVar("Case")

Checks = Mapping[str, Callable[[Case], None]]
"""Checks by the sentence that they prove; each takes a case of its role and raises an error if it does not hold."""

TINY: Final[Tree] = {
    "data": {"size": [32, 64], "splits": {"source": 12, "adapt": 16, "val": 4, "test": 4}},
    "stream": {"visits": ["clear", "200mm"], "frames": 8, "replay": {"size": 12}},
    "evaluation": {"split": "val"},
}
"""Settings of a run of two visits of a few small frames."""


class BrokenPromise(AssertionError):
    """A part does not do what its role promises."""


@dataclass(frozen=True)
class Finding:
    """Outcome of one check.

    Attributes:
        sentence: The promise.
        problem: What was seen instead, with the line of the user's code if it raised an error; None if it holds.
    """

    sentence: str
    problem: str | None


def assert_holds(checks: Checks[Case], sentence: str, case: Case) -> None:
    """Raises the error of a check that does not hold."""
    checks[sentence](case)


def require(condition: object, problem: str) -> None:
    """Raises `BrokenPromise` with the problem unless the condition holds."""
    if not condition:
        raise BrokenPromise(problem)


def findings(checks: Checks[Case], case: Case) -> Iterator[Finding]:
    """Yields the outcome of each check, in order; an error of any kind is a promise that does not hold."""
    for sentence, check in checks.items():
        try:
            check(case)
        except Exception as error:  # noqa: BLE001 - whatever the part does wrong is its finding
            yield Finding(sentence, _told(error))
        else:
            yield Finding(sentence, None)


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


def _told(error: Exception) -> str:
    said = " ".join(str(error).split())
    if isinstance(error, BrokenPromise | InputError):
        return said
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
    return f"{type(error).__name__} in {place}{': ' if said else ''}{said}"
