"""How far loading has got, for whoever watches: a bar on a terminal, a line elsewhere, nothing if it is soon over."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

import rich
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Item = TypeVar("Item")

PATIENCE: Final = 1.0
"""Seconds before anything is said."""


def told(items: Iterable[Item], total: int, doing: str) -> Iterator[Item]:
    """The items, as they are; meanwhile it is told how many have come.

    Args:
        items: What takes long to come.
        total: How many.
        doing: What is done with them, for instance `decoding frames of camvid`.
    """
    console = rich.get_console()
    begun = time.monotonic()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(doing, total=total)
    try:
        for item in items:
            yield item
            bar.advance(task)
            if console.is_terminal and time.monotonic() - begun > PATIENCE:
                bar.start()
    finally:
        # One that was never shown would leave an empty line.
        if bar.live.is_started:
            bar.stop()
    seconds = time.monotonic() - begun
    if seconds > PATIENCE:
        print(f"{doing}: {total} in {seconds:.1f} s", file=sys.stderr)
