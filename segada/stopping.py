"""Ctrl-C in a command of the engine: once, what runs is finished and saved; twice, now."""

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
def stopping(when: str = "the visit that runs is saved") -> Iterator[Asked]:
    """While the context is open, a first signal is noted, and a second one interrupts.

    Args:
        when: What is waited for, as it is told to who has asked.
    """
    asked: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        # Not through the console: the signal may have come while that was printing.
        os.write(sys.stderr.fileno(), f"stopping as soon as {when}; once more stops at once\n".encode())

    former = {number: signal.signal(number, on_signal) for number in _SIGNALS}
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def never() -> bool:
    """For runs that are stopped from outside."""
    return False
