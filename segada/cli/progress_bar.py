"""Progress bar of a run with the estimated remaining time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from segada.core.printing import escaped
from segada.core.timer import Timer

MINUTE, HOUR = 60, 3600


class ProgressBar(Timer):
    """A bar with the remaining time on a terminal; elsewhere nothing is drawn, and `left` returns the estimate."""

    def __init__(self, console: Console, total: int | None, now: Callable[[], float] = time.monotonic) -> None:
        """Creates a bar that has not started.

        Args:
            console: Console of the bar.
            total: Number of steps of the whole run; None if it has no end.
            now: Returns the time in seconds.
        """
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[left]}"))
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", total=total, left="")
        self._total, self._first, self._done = total, 0, 0
        self._now = now
        self._begun = now()

    @contextmanager
    def shown(self, done: int) -> Iterator[None]:
        """Shows the bar within the context.

        Args:
            done: Number of steps of earlier sessions, which are excluded from the speed.
        """
        self._first = self._done = done
        self._begun = self._now()
        with self._bar:
            yield

    @contextmanager
    def step(self) -> Iterator[None]:
        """Counts the work inside as a step of the stream."""
        yield
        self._done += 1
        self._bar.update(self._task, completed=self._done, left=self.left())

    def visit(self, text: str) -> None:
        """Sets the text before the bar."""
        self._bar.update(self._task, description=escaped(text))

    def left(self) -> str:
        """Returns `about 3 min left`, at this session's pace with evaluation; empty before a step and at the end."""
        made = self._done - self._first
        missing = 0 if self._total is None else self._total - self._done
        if not made or not missing:
            return ""
        return f"about {duration((self._now() - self._begun) / made * missing)} left"


def duration(seconds: float) -> str:
    """Returns a duration as `40 s`, `3 min` or `2.5 h`."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < HOUR else f"{seconds / HOUR:.1f} h"
