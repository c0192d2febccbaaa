"""Progress of loading: a bar on a terminal, lines on stderr, nothing if it is soon finished."""

import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from segada.cli.console import terminal
from segada.core.printing import escaped, tell

Item = TypeVar("Item")

BAR_AFTER: Final = 1.0
"""Seconds after which a terminal shows a bar."""
LINE_AFTER: Final = 10.0
"""Seconds after which a line on stderr reports progress, and a second one at the end the total time."""


def told(items: Iterable[Item], total: int, doing: str) -> Iterator[Item]:
    """Yields the items unchanged, and reports the number of items so far.

    Args:
        items: Items that take long to produce.
        total: Number of items.
        doing: Description of the work, for instance `decoding frames of camvid`.
    """
    console, doing = terminal(), escaped(doing)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=console, transient=True)
    task = bar.add_task(doing, total=total)
    begun, shown, said = time.monotonic(), False, False
    try:
        for count, item in enumerate(items, start=1):
            passed = time.monotonic() - begun
            if console.is_terminal and not shown and passed > BAR_AFTER:
                bar.start()
                shown = True
            if not said and passed > LINE_AFTER:
                tell(f"{doing}: {count} of {total} in {passed:.0f} s")
                said = True
            bar.update(task, completed=count)
            yield item
    finally:
        if shown:
            bar.stop()
    if said:
        tell(f"{doing}: {total} in {time.monotonic() - begun:.0f} s")
