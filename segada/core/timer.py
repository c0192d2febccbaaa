"""Timers of a step and of its named parts."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import torch


class Timer:
    """A timer that measures nothing, for runs that are not profiled."""

    def step(self) -> AbstractContextManager[None]:
        """Marks the work inside as a step of the stream."""
        return nullcontext()

    def part(self, name: str) -> AbstractContextManager[None]:  # noqa: ARG002 - the name has no use here
        """Marks the work inside as part `name`; the time of a nested part counts for that part only."""
        return nullcontext()


NULL_TIMER = Timer()


@dataclass(slots=True)
class StepTime:
    """Wall time of one step, in seconds.

    Attributes:
        parts: Seconds by name, in the order in which parts first ended, with an entry for each execution.
        total: Seconds of the whole step, including work outside all parts.
    """

    parts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    total: float = 0.0


class StepTimer(Timer):
    """Records the wall time of each step and of its parts; parts outside a step are not counted.

    The GPU is synchronized at both ends of a part, so that its work counts for the part that launched it.

    Attributes:
        steps: Times of completed steps, in order.
    """

    def __init__(self) -> None:
        self.steps: list[StepTime] = []
        self._current: StepTime | None = None
        self._inside: list[float] = []
        self._waits = torch.cuda.is_available()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Measures the work inside as a step."""
        self._current = StepTime()
        begun = self._now()
        yield
        self._current.total = self._now() - begun
        self.steps.append(self._current)
        self._current = None

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Measures the work inside as a part, without nested parts."""
        begun = self._now()
        self._inside.append(0.0)
        yield
        elapsed, inner = self._now() - begun, self._inside.pop()
        if self._inside:
            self._inside[-1] += elapsed
        if self._current is not None:
            self._current.parts[name].append(elapsed - inner)

    def _now(self) -> float:
        if self._waits:
            torch.cuda.synchronize()
        return time.perf_counter()
