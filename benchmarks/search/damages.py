"""Mishaps that damage what a driver has left: the driver is killed, and the next one finds it."""

import subprocess
from pathlib import Path

import numpy as np
from typing_extensions import override

from benchmarks.search.fault import DriverKilled
from benchmarks.search.invariants import reports
from hpo.study.journal.file import JOURNAL

FILES = ("report.json", "visits.jsonl", "areas.npz", "frames.jsonl", "weights.safetensors", "settings.yaml")
"""Files of a run that is over, of which one is damaged."""
TAILS = ("cut", "half a line", "zeros")
"""What a power cut leaves at the end of a journal."""


class FileDamaged(DriverKilled):
    """SIGKILL to the driver, and then a file of a run that is over is cut off, or has other bytes."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Damages one, where a run is over."""
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
    """SIGKILL to the driver, and then the journal of the study ends as after a power cut."""

    @override
    def strike(self, driver: "subprocess.Popen[bytes]", out: Path, generator: np.random.Generator) -> bool:
        """Tears its last line, where there is a second one."""
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
