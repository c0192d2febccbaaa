"""Scalar random draws, many and quickly, from one seeded generator."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

BLOCK = 512
"""Number of values drawn at once: a scalar draw from numpy costs twenty times a list's `pop`."""


class Dice:
    """Draws whose sequence depends on the seeds alone.

    Args:
        seeds: Non-negative numbers that identify the sequence, e.g. (world, scene).
    """

    def __init__(self, *seeds: int) -> None:
        self._generator = np.random.default_rng(seeds)
        self._numbers: list[float] = []

    def fraction(self) -> float:
        """Returns a number uniform in [0, 1)."""
        if not self._numbers:
            self._numbers = self._generator.random(BLOCK).tolist()
        return self._numbers.pop()

    def between(self, low: float, high: float) -> float:
        """Returns a number uniform in [low, high)."""
        return low + (high - low) * self.fraction()

    def count(self, low: int, high: int) -> int:
        """Returns a whole number from low to high, both included."""
        return low + int(self.fraction() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """Returns True with this probability."""
        return self.fraction() < probability

    def pick(self, items: Sequence[T]) -> T:
        """Returns one of the items with equal probability."""
        return items[int(self.fraction() * len(items))]
