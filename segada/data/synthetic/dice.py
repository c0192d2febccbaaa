"""Scalar random draws, many and quickly, from one seeded generator."""

from collections.abc import Sequence
from typing import TypeVar

import numpy as np

T = TypeVar("T")

BLOCK = 512
"""Numbers drawn at once: a scalar draw from numpy costs twenty times a list's `pop`."""


class Dice:
    """Draws whose sequence depends on the seeds alone.

    Args:
        seeds: non-negative numbers that name the sequence, e.g. (world, scene).
    """

    def __init__(self, *seeds: int) -> None:
        self._generator = np.random.default_rng(seeds)
        self._numbers: list[float] = []

    def fraction(self) -> float:
        """Uniform in [0, 1)."""
        if not self._numbers:
            self._numbers = self._generator.random(BLOCK).tolist()
        return self._numbers.pop()

    def between(self, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.fraction()

    def count(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.fraction() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        """True with this probability."""
        return self.fraction() < probability

    def pick(self, items: Sequence[T]) -> T:
        """One of the items, each as likely."""
        return items[int(self.fraction() * len(items))]
