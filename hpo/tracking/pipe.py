"""The way to a process that may be slow, or hang: nothing that is said here ever waits for it."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

CAPACITY = 4096
"""Lines that wait at most; what is said beyond that is dropped."""


class ChildPipe:
    """Lines to the standard input of a process of its own, which outlives neither its patience nor, for long, us."""

    def __init__(self, command: Sequence[str], capacity: int = CAPACITY) -> None:
        """Starts the process.

        Args:
            command: reads lines until there are no more. It leads a session of its own, so that Ctrl-C is not for it.
            capacity: lines that wait at most.
        """
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True
        )
        self._lines: queue.Queue[bytes | None] = queue.Queue(capacity)
        self._dropped = 0
        self._writer = threading.Thread(target=self._write, daemon=True)
        self._writer.start()

    @property
    def dropped(self) -> int:
        """Lines for which there was no room."""
        return self._dropped

    def say(self, line: str) -> None:
        """Passes a line on, at once or never."""
        try:
            self._lines.put_nowait(line.encode() + b"\n")
        except queue.Full:
            self._dropped += 1

    def close(self, patience: float) -> bool:
        """Waits until the process has read everything and has ended; ends it, with all that it started, otherwise.

        Args:
            patience: seconds.

        Returns:
            Whether it ended by itself.
        """
        end = time.monotonic() + patience
        try:
            self._lines.put(None, timeout=patience)
            self._process.wait(max(end - time.monotonic(), 0.0))
        except (queue.Full, subprocess.TimeoutExpired):
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            return False
        return True

    def _write(self) -> None:
        assert self._process.stdin is not None
        with self._process.stdin as pipe:
            while (line := self._lines.get()) is not None:
                try:
                    pipe.write(line)
                    pipe.flush()
                except BrokenPipeError:
                    # It has said why itself; what else would have been for it fills the queue and is dropped.
                    return
