"""Rates: units of work per second of processor time."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """Units of work per second of processor time, one number per repeat."""

    work: str
    size: tuple[int, int]
    per_second: tuple[float, ...]


def measure(work: Callable[[], object], units: int, repeats: int) -> tuple[float, ...]:
    """Returns units per second of processor time in each repeat, after a warm-up.

    Processor time is less disturbed by other programs on the machine than wall time.
    """
    work()
    rates = []
    for _ in range(repeats):
        begun = time.process_time()
        work()
        rates.append(units / (time.process_time() - begun))
    return tuple(rates)
