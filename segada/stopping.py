"""Ctrl-C in a command of the engine: once, the visit that runs is finished and saved; twice, now."""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Asked = Callable[[], bool]
"""Whether a person, or the machine's scheduler, has asked to stop."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping() -> Iterator[Asked]:
    """While the context is open, a first signal is noted, and a second one interrupts."""
    asked: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        # Not through the console: the signal may have come while that was printing.
        os.write(sys.stderr.fileno(), b"stopping as soon as the visit that runs is saved; once more stops at once\n")

    former = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def never() -> bool:
    """For runs that are stopped from outside."""
    return False
