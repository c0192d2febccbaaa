"""Pipe to a child process that may be slow or hang; writing never waits for it."""

import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Sequence

CAPACITY = 4096
"""Maximum number of waiting lines; further lines are dropped."""


class ChildPipe:
    """Writes lines to a child process without blocking; kills it after a timeout."""

    def __init__(self, command: Sequence[str], capacity: int = CAPACITY) -> None:
        """Starts the process.

        Args:
            command: command that reads lines until the end of its input. It runs in its own session, so that Ctrl-C
                does not reach it.
            capacity: maximum number of waiting lines.
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
        """Number of lines dropped because the queue was full."""
        return self._dropped

    def say(self, line: str) -> None:
        """Queues a line without waiting; drops it if the queue is full."""
        try:
            self._lines.put_nowait(line.encode() + b"\n")
        except queue.Full:
            self._dropped += 1

    def close(self, patience: float) -> bool:
        """Waits until the process has read everything and ended; otherwise kills it and its child processes.

        Args:
            patience: timeout in seconds.

        Returns:
            True if it ended by itself.
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
                    # The process has printed the reason itself; further lines fill the queue and are dropped.
                    return
