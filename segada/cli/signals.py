"""Handling of Ctrl-C in the engine's commands: the first finishes and saves current work, the second stops at once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from segada.cli.interruption import Interruption

Asked = Callable[[], bool]
"""True if the user or the machine's scheduler has requested a stop."""


@contextmanager
def stopping(when: str = "the running visit is saved") -> Iterator[Asked]:
    """Records the first signal within the context; a second SIGINT interrupts, see `Interruption`.

    Args:
        when: Awaited event, as the printed message names it.
    """
    asked: list[bool] = []

    def ask() -> str:
        asked.append(True)
        return f"stopping as soon as {when}; once more stops at once"

    with Interruption(ask):
        yield lambda: bool(asked)


def never() -> bool:
    """Returns False, for runs that are stopped from outside."""
    return False
