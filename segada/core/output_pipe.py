"""Standard output without a reader: closed from the start, or a pipe whose reader has ended."""

import os
import sys
from pathlib import Path


def open_output() -> None:
    """Opens standard output on the null device if the process was started without one, as by `>&-`."""
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - open until the process ends


def drop_output() -> None:
    """Sends what is still printed to the null device, because the reader of the pipe has ended.

    Python flushes standard output once more at its end, which must not fail again.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
