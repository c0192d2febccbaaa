"""Progress of an evaluation: a bar in a terminal, a line at intervals elsewhere."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from segada.core.printing import escaped

EVERY: Final = 30.0
"""Seconds between two lines."""


class FrameProgress:
    """Shows how many frames of a domain are done."""

    def __init__(self, console: Console, bar: Progress) -> None:
        self._console = console
        self._bar = bar
        self._begun = self._printed = time.monotonic()

    def begin(self, domain: str, total: int) -> None:
        """Starts the progress of another domain."""
        self._domain, self._total, self._done = domain, total, 0
        self._begun = self._printed = time.monotonic()
        for task in self._bar.task_ids:
            self._bar.remove_task(task)
        self._task = self._bar.add_task(escaped(domain), total=total, rate="")

    def add(self, frames: int) -> None:
        """Adds a number of finished frames."""
        self._done += frames
        now = time.monotonic()
        rate = f"{self._done / max(now - self._begun, 1e-9):.3g} frames/s"
        self._bar.update(self._task, completed=self._done, rate=rate)
        if not self._console.is_terminal and now - self._printed > EVERY:
            self._printed = now
            self._console.print(f"{self._domain}: {self._done} of {self._total} frames, {rate}")


@contextmanager
def frame_progress(console: Console) -> Iterator[FrameProgress]:
    """Shows a progress bar within the context."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield FrameProgress(console, bar)
