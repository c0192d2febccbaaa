"""Faults after which a driver ends by itself: it receives a signal, or a process of Ray that it depends on is gone."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import ClassVar

import numpy as np
from typing_extensions import override

from benchmarks.search.fault import Kind, command, descendants
from segada.cli.exit_codes import DONE, INTERRUPTED

BOUND = 20.0
"""Seconds in which a driver must end; schedulers kill processes that have not ended 30 s after SIGTERM."""


class _Ending(Kind):
    codes = codes_before = frozenset({DONE, INTERRUPTED})
    ends_within = BOUND


class GroupTerminated(_Ending):
    """Sends SIGTERM to the driver's process group, as `timeout` and schedulers do; Ray's processes receive it too."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Sends the signal as soon as the driver handles it; returns False if the driver ends before."""
        while not _catches(driver.pid, signal.SIGTERM):
            if driver.poll() is not None:
                return False
            time.sleep(0.01)
        # A process group shared with this process must not be signalled.
        assert os.getpgid(driver.pid) == driver.pid
        os.killpg(driver.pid, signal.SIGTERM)
        return True


class StartTerminated(GroupTerminated):
    """Sends the same signal while a driver imports, starts Ray and prepares data."""

    is_spread = False


class _RayKilled(_Ending):
    program: ClassVar[bytes]
    """End of the program's path."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Kills the program if the driver has started it; returns False otherwise."""
        found = [pid for pid in descendants(driver.pid) if command(pid).partition(b"\0")[0].endswith(self.program)]
        for pid in found:
            os.kill(pid, signal.SIGKILL)
        return bool(found)


class NodeManagerKilled(_RayKilled):
    """Kills Ray's raylet with SIGKILL."""

    program = b"/raylet"
    # While Ray starts, it waits 30 s for this process.
    ends_within = BOUND + 30.0


class ControlServiceKilled(_RayKilled):
    """Kills Ray's GCS with SIGKILL."""

    program = b"/gcs_server"


def _catches(pid: int, number: signal.Signals) -> bool:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return False
    caught = next((int(line.split()[1], 16) for line in lines if line.startswith("SigCgt:")), 0)
    return bool(caught >> (number - 1) & 1)
