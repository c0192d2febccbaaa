"""Where a network's parameters are, and which of them learn."""

from collections import defaultdict
from dataclasses import dataclass

from torch import nn

from segada.models.encoders.base import SLOTS

DEPTH = 2
"""Words of a module's dotted name that tell it from others; a number behind them (`encoder.stages.0`) counts too."""


@dataclass(frozen=True, slots=True)
class ModuleCount:
    """Parameters of a module.

    Attributes:
        name: Dotted; adapters go by the module that they sit in and their slot (`encoder.stages.0: parallel`).
        total: How many numbers, each once.
        learning: How many of them learn.
    """

    name: str
    total: int
    learning: int


def count_parameters(network: nn.Module) -> list[ModuleCount]:
    """A row per module, in the network's order; the rows add up to the whole network."""
    totals: dict[str, int] = defaultdict(int)
    learning: dict[str, int] = defaultdict(int)
    for name, parameter in network.named_parameters():
        module = _module_of(name)
        totals[module] += parameter.numel()
        learning[module] += parameter.numel() if parameter.requires_grad else 0
    return [ModuleCount(module, total, learning[module]) for module, total in totals.items()]


def summed(name: str, counts: list[ModuleCount]) -> ModuleCount:
    """Several rows as one."""
    return ModuleCount(name, sum(count.total for count in counts), sum(count.learning for count in counts))


def in_words(count: int) -> str:
    """`13.68 M`, `525.8 k` or `64`."""
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
