"""Faults that damage files of a driver: the driver is killed, and the next one finds the damage."""

import subprocess
from pathlib import Path

import numpy as np
from typing_extensions import override

from benchmarks.search.fault import DriverKilled
from benchmarks.search.invariants import reports
from hpo.study.journal.file import JOURNAL

FILES = ("report.json", "visits.jsonl", "areas.npz", "frames.jsonl", "weights.safetensors", "settings.yaml")
"""Files of a finished run, of which one is damaged."""
TAILS = ("cut", "half a line", "zeros")
"""Possible ends of a journal after a power failure."""


class FileDamaged(DriverKilled):
    """Kills the driver with SIGKILL, then truncates or overwrites a file of a finished run."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Damages a file if a run is finished; returns False otherwise."""
        over = sorted(reports(out))
        if not over:
            return False
        super().strike(driver, out, generator)
        name = over[generator.integers(len(over))]
        paths = [path for path in (out / name / file for file in FILES) if path.exists() and path.stat().st_size > 0]
        path = paths[generator.integers(len(paths))]
        content = path.read_bytes()
        at = int(generator.integers(len(content)))
        rest = generator.bytes(len(content) - at) if generator.random() < 0.5 else b""
        path.write_bytes(content[:at] + rest)
        self.damaged.add(name)
        return True


class JournalTorn(DriverKilled):
    """Kills the driver with SIGKILL, then leaves the study's journal as after a power failure."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Damages the journal's last line if it has at least two lines; returns False otherwise."""
        path = out / JOURNAL
        if not path.exists() or path.read_bytes().count(b"\n") < 2:
            return False
        super().strike(driver, out, generator)
        content = path.read_bytes().rstrip(b"\n")
        start = content.rindex(b"\n") + 1
        at = int(generator.integers(start + 1, len(content)))
        torn = {
            "cut": content[:at],
            "half a line": content + b"\n" + content[start:at],
            "zeros": content + b"\n" + bytes(int(generator.integers(1, 4096))),
        }
        path.write_bytes(torn[TAILS[generator.integers(len(TAILS))]])
        return True
