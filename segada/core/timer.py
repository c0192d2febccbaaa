"""Where a step's time goes: parts of the work are named as they begin and end."""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import torch


class Timer:
    """Measures nothing: what a run that is not profiled carries."""

    def step(self) -> AbstractContextManager[None]:
        """The work inside is a step of the stream."""
        return nullcontext()

    def part(self, name: str) -> AbstractContextManager[None]:  # noqa: ARG002 - what it is called does not matter here
        """The work inside is called `name`; that of a part inside another is the inner one's alone."""
        return nullcontext()


NULL_TIMER = Timer()


@dataclass(slots=True)
class StepTime:
    """Wall time of one step, in seconds.

    Attributes:
        parts: By name, in the order in which they first ended, an entry per time that the part was done.
        total: Of the whole step; what no part names is in it too.
    """

    parts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    total: float = 0.0


class StepTimer(Timer):
    """Notes the wall time of each step and of its parts; parts outside of a step count nowhere.

    A GPU is waited for at both ends of a part, so that its work counts where it is done.

    Attributes:
        steps: That have ended, in order.
    """

    def __init__(self) -> None:
        self.steps: list[StepTime] = []
        self._current: StepTime | None = None
        self._inside: list[float] = []
        self._waits = torch.cuda.is_available()

    @contextmanager
    def step(self) -> Iterator[None]:
        """Times the work inside."""
        self._current = StepTime()
        begun = self._now()
        yield
        self._current.total = self._now() - begun
        self.steps.append(self._current)
        self._current = None

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Times the work inside, without that of parts in it."""
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
