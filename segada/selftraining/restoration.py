"""Stochastic restoration: randomly chosen elements return to their source values (CoTTA, arXiv 2203.13591)."""

from collections.abc import Sequence

import torch
from torch import Tensor

CHUNK = 1.2
"""Number of draws per block, as a multiple of the expected number: rarely too few, never far too many."""


@torch.no_grad()
def restore(
    parameters: Sequence[Tensor], originals: Sequence[Tensor], probability: float, generator: torch.Generator
) -> None:
    """Resets each element to its original with the given probability, independently of all others, in place.

    Args:
        parameters: Tensors of any shapes and devices; at least one.
        originals: Tensors of the same shapes, on the same devices.
        probability: Probability in [0, 1]; 0 draws nothing.
        generator: Generator on the CPU, so that the same seed restores the same elements on every device.
    """
    sizes = torch.tensor([parameter.numel() for parameter in parameters])
    ends = sizes.cumsum(0)
    chosen = successes(int(ends[-1]), probability, generator)
    parts = torch.tensor_split(chosen, torch.searchsorted(chosen, ends)[:-1])
    for parameter, original, part, start in zip(parameters, originals, parts, (ends - sizes).tolist(), strict=True):
        elements = (part - start).to(parameter.device)
        parameter.put_(elements, original.take(elements))


def successes(trials: int, probability: float, generator: torch.Generator) -> Tensor:
    """Draws which of a number of independent trials succeed: ascending int64 [successes], in [0, trials).

    Draws the gaps between successes, which are geometric: floor(log u / log(1 - p)) failures lie before each. The cost
    is proportional to the number of successes, not of trials.

    Args:
        trials: Number of trials, at least 0.
        probability: Probability p of success, in [0, 1].
        generator: Generator on the CPU.
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
