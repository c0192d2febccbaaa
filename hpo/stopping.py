"""Ctrl-C: once, the visits that run finish; twice, now."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hpo.agenda import Agenda

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopped_by_signals(agenda: Agenda) -> Iterator[None]:
    """While the context is open, a signal stops the agenda; a second one, or one before any job runs, interrupts."""

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        if agenda.is_stopped or not agenda.running:
            raise KeyboardInterrupt
        agenda.stop()
        # Not through the console: the signal may have come while that was printing.
        os.write(sys.stderr.fileno(), b"stopping after the visits that run now; once more stops at once\n")

    former = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
