"""SIGINT and SIGTERM: what a command does when it is asked to end, from its first import to its last line."""

import os
import shlex
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final, TypeAlias

INTERRUPTED: Final = 3
"""Exit code of a command that was stopped and goes on when it is given again."""
STOP_WAIT: Final = "SEGADA_STOP_WAIT"
"""Environment variable: seconds that what runs may still take after SIGTERM; then the command ends all the same."""
USUAL_WAIT: Final = 8.0
"""Value of STOP_WAIT where it is not set: schedulers kill what has not ended 30 s after SIGTERM, or earlier."""
PATIENCE: Final = 6.0
"""Seconds in which what was interrupted has to come to its end by itself."""

SCRIPTS: Final = ("segada", "hpo")
"""Names of the console scripts."""

STDERR: Final = 2
"""File descriptor of standard error; in a Jupyter kernel `sys.stderr` has another one, or none."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_Handler: TypeAlias = Callable[[int, FrameType | None], Any] | int | None


def program(module: str) -> str:
    """Returns how the command of a module was called: `segada adapt` or `python -m segada.adapt`."""
    return f"python -m {module}" if _script() is None else module.replace(".", " ", 1).replace("_", "-")


def typed_again() -> str:
    """Returns the command line that repeats the present one, without `--new`."""
    script = _script()
    words = ["python", *sys.orig_argv[1:]] if script is None else [script, *sys.argv[1:]]
    return shlex.join(word for word in words if word != "--new")


def _script() -> str | None:
    """Returns the console script that runs, as a shell finds it; None if it is none."""
    called = sys.argv[0] if sys.argv else ""
    name = Path(called).name
    if name not in SCRIPTS:
        return None
    found = shutil.which(name)
    return name if found is not None and Path(found).resolve() == Path(called).resolve() else called


def end_while_importing() -> None:
    """Makes SIGINT and SIGTERM end a command whose modules are still being imported, with one line and code 3.

    Called when a package is imported by `python -m` or a console script, which takes seconds until the command itself
    runs. Does nothing if the package is imported by another program, or outside the main thread.
    """
    is_command = sys.argv[:1] == ["-m"] or _script() is not None
    if not is_command or threading.current_thread() is not threading.main_thread():
        return
    for number in _SIGNALS:
        signal.signal(number, _end)


def _end(_: int, _frame: FrameType | None) -> None:
    # Of several signals one is answered; by no exception, which half-imported modules would print on its way.
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    line = f"interrupted; what is finished is kept. To go on: {typed_again()}\n"
    os.write(STDERR, line.encode())
    os._exit(INTERRUPTED)


class Interruption:
    """Signal handling while the context is open: the first signal asks to stop, a second SIGINT ends the work at once.

    Ending at once is a KeyboardInterrupt in the main thread. SIGTERM asks but once, however often it is sent, since
    `timeout` and schedulers send it to the process and to its group; STOP_WAIT seconds later it ends the work at once.
    """

    def __init__(self, ask: Callable[[], str | None], give_up: Callable[[], None] | None = None) -> None:
        """Does nothing until the context is open.

        Args:
            ask: Asks for the end and returns what to tell the person meanwhile; None if there is nothing to wait for.
            give_up: Called in a thread if the work has not come to `rest` PATIENCE seconds after a KeyboardInterrupt.

        Raises:
            InputError: STOP_WAIT is no number of seconds.
        """
        self._ask = ask
        self._give_up = give_up
        self._wait = stop_wait()
        self._is_asked = self._is_ending = False
        self._timers: list[threading.Timer] = []
        self._former: dict[signal.Signals, _Handler] = {}

    def __enter__(self) -> "Interruption":
        """Takes both signals over; outside the main thread, where Python handles none, does nothing."""
        if threading.current_thread() is not threading.main_thread():
            return self
        self._former = {number: signal.signal(number, self._on_signal) for number in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        """Gives them back; at the end of a command they are ignored, since a Python that ends would die of them."""
        self.rest()
        for number, handler in self._former.items():
            signal.signal(number, signal.SIG_IGN if handler is _end else handler)

    def rest(self) -> None:
        """Notes that the work is over and only its results are to be written: for these, SIGTERM is waited."""
        self._is_asked = self._is_ending = True
        for timer in self._timers:
            timer.cancel()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGTERM and self._is_ending:
            return
        if number == signal.SIGTERM:
            self._after(self._wait, self._end_from_outside)
        text = None
        if not self._is_asked:
            self._is_asked = True
            text = self._ask()
        elif number == signal.SIGTERM:
            return
        if text is None:
            self._end()
        # Not through the console: the signal may have come while that was printing.
        os.write(STDERR, f"{text}\n".encode())

    def _end_from_outside(self) -> None:
        if not self._is_ending:
            interrupt_main()

    def _end(self) -> None:
        if self._give_up is not None and not self._is_ending:
            self._after(PATIENCE, self._give_up)
        self._is_ending = True
        raise KeyboardInterrupt

    def _after(self, seconds: float, happens: Callable[[], None]) -> None:
        timer = threading.Timer(seconds, happens)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()


def stop_wait() -> float:
    """Seconds that what runs may still take after SIGTERM.

    Raises:
        InputError: the environment says something else.
    """
    text = os.environ.get(STOP_WAIT, "")
    try:
        return float(text or USUAL_WAIT)
    except ValueError:
        # Imported here: this module is the first one that a command loads.
        from segada.errors import InputError

        raise InputError(f"{STOP_WAIT}={text}: must be a number of seconds, as in {STOP_WAIT}=300") from None


def interrupt_main() -> None:
    """Sends SIGINT to the main thread, which wakes from what it waits for; for other threads."""
    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
