"""Ctrl-C: once, the visits that run finish; twice, now."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console

from hpo.agenda import Agenda

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopped_by_signals(agenda: Agenda, console: Console) -> Iterator[None]:
    """While the context is open, a signal stops the agenda; a second one, or one before any job runs, interrupts."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if agenda.is_stopped or not agenda.running:
            raise KeyboardInterrupt
        agenda.stop()
        console.print("stopping after the visits that run now; once more stops at once")

    former = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
