"""Drivers with runs that compute nothing, for tests of how several share a study."""

import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from study_texts import study_text

ROOT = Path(__file__).parents[2]
PATIENCE = 240
"""Seconds until a test gives up on drivers that take a few on a quiet machine."""

STUDY = study_text("budget: {trials: 12}", "confirm: {top: 1, seeds: 2}", name="shared")
RUNS = 2 + 12 + 2 * 2 + 2 * 2
"""Baselines, trials, baselines again, and the best beside the default, with two seeds."""


@dataclass
class Bench:
    """Where drivers with runs that compute nothing are started."""

    path: Path
    out: Path
    gate: Path
    """After their first visits, drivers that are to wait for it wait until this file is there."""
    environment: Mapping[str, str] = field(default_factory=dict)
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    def start(self, *options: str, waits: bool = False, pace: float = 0.0, slots: int = 2) -> "subprocess.Popen[str]":
        gate = self.gate if waits else self.path
        program = [sys.executable, str(Path(__file__).with_name("noop_driver.py")), str(gate), str(pace), str(slots)]
        command = [*program, "--space", str(self.path), "--out", str(self.out), *options]
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env={**os.environ, **self.environment},
        )
        self.started.append(process)
        return process

    def __enter__(self) -> "Bench":
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what a test that failed has left."""
        for process in self.started:
            process.kill()
            process.communicate()

    def visits(self) -> dict[str, list[int]]:
        """The processes that made the visits of every run, by folder, in their order."""
        found = {}
        for path in self.out.glob("*/*/visits.jsonl"):
            records = [json.loads(line) for line in path.read_text().splitlines()]
            assert [record["visit"] for record in records] == list(range(len(records)))
            found[str(path.parent.relative_to(self.out))] = [round(record["losses"]["process"]) for record in records]
        return found

    def busy(self) -> set[int]:
        """The processes that have made a visit."""
        return {process for made in self.visits().values() for process in made}

    def rows(self) -> list[dict[str, str]]:
        """results.csv, without what the clock says."""
        with (self.out / "results.csv").open(newline="") as file:
            return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def finish(*processes: "subprocess.Popen[str]") -> list[str]:
    """Waits for the end of all, which must be a good one, and gives what they printed."""
    printed = []
    for process in processes:
        text, said = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, said
        printed.append(text)
    return printed


def wait_for(condition: Callable[[], object], *processes: "subprocess.Popen[str]") -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert all(process.poll() is None for process in processes), [one.stderr.read() for one in processes]
        assert time.monotonic() < end, "the drivers have not come this far"
        time.sleep(0.01)
