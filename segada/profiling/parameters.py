"""Counts a network's parameters by module, and the learning ones among them."""

from collections import defaultdict
from dataclasses import dataclass

from torch import nn

from segada.models.encoders.base import SLOTS

DEPTH = 2
"""Number of words of a dotted name that identify a module; a number after them (`encoder.stages.0`) is kept too."""


@dataclass(frozen=True, slots=True)
class ModuleCount:
    """Parameters of a module.

    Attributes:
        name: Dotted name; adapters are named by the containing module and their slot (`encoder.stages.0: parallel`).
        total: Number of scalars, each counted once.
        learning: Number of learning scalars.
    """

    name: str
    total: int
    learning: int


def count_parameters(network: nn.Module) -> list[ModuleCount]:
    """Returns a row per module, in the network's order; the rows add up to the whole network."""
    totals: dict[str, int] = defaultdict(int)
    learning: dict[str, int] = defaultdict(int)
    for name, parameter in network.named_parameters():
        module = _module_of(name)
        totals[module] += parameter.numel()
        learning[module] += parameter.numel() if parameter.requires_grad else 0
    return [ModuleCount(module, total, learning[module]) for module, total in totals.items()]


def summed(name: str, counts: list[ModuleCount]) -> ModuleCount:
    """Returns the sum of several rows as one."""
    return ModuleCount(name, sum(count.total for count in counts), sum(count.learning for count in counts))


def in_words(count: int) -> str:
    """Returns a count as `13.68 M`, `525.8 k` or `64`."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return str(count)


def _module_of(parameter: str) -> str:
    words = parameter.split(".")[:-1]
    slot = next((place for place, word in enumerate(words) if word in SLOTS), None)
    outer = words if slot is None else words[:slot]
    numbered = len(outer) > DEPTH and outer[DEPTH].isdigit()
    module = ".".join(outer[: DEPTH + 1 if numbered else DEPTH])
    return module if slot is None else f"{module}: {words[slot]}"
