"""Ctrl-C in a command of the engine: once, what runs is finished and saved; twice, now."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from segada.cli.interruption import Interruption

Asked = Callable[[], bool]
"""Whether a person, or the machine's scheduler, has asked to stop."""


@contextmanager
def stopping(when: str = "the visit that runs is saved") -> Iterator[Asked]:
    """While the context is open, a first signal is noted, and a second SIGINT interrupts; see `Interruption`.

    Args:
        when: What is waited for, as it is told to who has asked.
    """
    asked: list[bool] = []

    def ask() -> str:
        asked.append(True)
        return f"stopping as soon as {when}; once more stops at once"

    with Interruption(ask):
        yield lambda: bool(asked)


def never() -> bool:
    """For runs that are stopped from outside."""
    return False
