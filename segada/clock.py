"""Where a step's time goes: parts of the work are named as they begin and end."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch


class Clock:
    """Measures nothing: what a run that is not profiled carries."""

    def part(self, name: str) -> AbstractContextManager[None]:  # noqa: ARG002 - what it is called does not matter here
        """The work inside is called `name`; parts do not nest."""
        return nullcontext()


IDLE = Clock()


class Stopwatch(Clock):
    """Adds up the wall time of each part; a GPU is waited for at both ends, so that its work counts where it is done.

    Attributes:
        seconds: By name, one entry per time that the part was done.
    """

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Times the work inside."""
        begun = self._now()
        yield
        self.seconds[name].append(self._now() - begun)

    def _now(self) -> float:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        return time.perf_counter()
