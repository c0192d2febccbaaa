"""Stochastic restoration: now and then a number goes back to where it came from (CoTTA, arXiv 2203.13591)."""

from collections.abc import Sequence

import torch
from torch import Tensor

CHUNK = 1.2
"""Draws at once, as a multiple of those expected: seldom too few, and never many too many."""


@torch.no_grad()
def restore(
    parameters: Sequence[Tensor], originals: Sequence[Tensor], probability: float, generator: torch.Generator
) -> None:
    """Puts each element back to its original with the given probability, independently of all others, in place.

    Args:
        parameters: Of any shapes and devices; at least one.
        originals: Of the same shapes, on the same devices.
        probability: In [0, 1]; 0 draws nothing.
        generator: On the CPU, so that the same seed restores the same elements on every device.
    """
    sizes = torch.tensor([parameter.numel() for parameter in parameters])
    ends = sizes.cumsum(0)
    chosen = successes(int(ends[-1]), probability, generator)
    parts = torch.tensor_split(chosen, torch.searchsorted(chosen, ends)[:-1])
    for parameter, original, part, start in zip(parameters, originals, parts, (ends - sizes).tolist(), strict=True):
        elements = (part - start).to(parameter.device)
        parameter.put_(elements, original.take(elements))


def successes(trials: int, probability: float, generator: torch.Generator) -> Tensor:
    """Which of a number of independent trials succeed: ascending int64 [successes], in [0, trials).

    The gaps between successes are drawn, which are geometric: floor(log u / log(1 - p)) failures lie before each. So
    the work is that of the successes, not of the trials.

    Args:
        trials: At least 0.
        probability: p, in [0, 1].
        generator: On the CPU.
    """
    if probability == 0.0:
        return torch.empty(0, dtype=torch.int64)
    if probability == 1.0:
        return torch.arange(trials)
    found, last = [torch.empty(0, dtype=torch.int64)], -1
    while last < trials:
        uniform = 1.0 - torch.rand(int(CHUNK * trials * probability) + 8, generator=generator, dtype=torch.float64)
        gaps = (uniform.log() / torch.log1p(torch.tensor(-probability, dtype=torch.float64))).floor().long()
        found.append(last + (gaps + 1).cumsum(0))
        last = int(found[-1][-1])
    positions = torch.cat(found)
    return positions[positions < trials]
