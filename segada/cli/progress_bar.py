"""How far a run has got and when it will be over, for whoever watches the terminal."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from segada.core.printing import escaped
from segada.core.timer import Timer

MINUTE, HOUR = 60, 3600


class ProgressBar(Timer):
    """A bar with the time that is left, on a terminal; elsewhere nothing is drawn, and `left` still says it."""

    def __init__(self, console: Console, total: int, now: Callable[[], float] = time.monotonic) -> None:
        """Has not begun.

        Args:
            console: Where the bar is drawn.
            total: Steps of the whole run.
            now: The time in seconds.
        """
        columns = (TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[left]}"))
        self._bar = Progress(*columns, console=console, transient=True)
        self._task = self._bar.add_task("", total=total, left="")
        self._total, self._first, self._done = total, 0, 0
        self._now = now
        self._begun = now()

    @contextmanager
    def shown(self, done: int) -> Iterator[None]:
        """The bar is there while the context is open.

        Args:
            done: Steps before this session, which say nothing of how fast it is.
        """
        self._first = self._done = done
        self._begun = self._now()
        with self._bar:
            yield

    @contextmanager
    def step(self) -> Iterator[None]:
        """Counts the work inside, which is a step of the stream."""
        yield
        self._done += 1
        self._bar.update(self._task, completed=self._done, left=self.left())

    def visit(self, text: str) -> None:
        """What is being done, before the bar."""
        self._bar.update(self._task, description=escaped(text))

    def left(self) -> str:
        """`about 3 min left`, at the pace of this session, evaluation included; empty at the end, or before a step."""
        made, missing = self._done - self._first, self._total - self._done
        if not made or not missing:
            return ""
        return f"about {duration((self._now() - self._begun) / made * missing)} left"


def duration(seconds: float) -> str:
    """`40 s`, `3 min` or `2.5 h`."""
    if seconds < MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / MINUTE:.0f} min" if seconds < HOUR else f"{seconds / HOUR:.1f} h"
