"""Disturbs studies repeatedly until they are done, and records the outcome."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.search.fault import Kind
from benchmarks.search.invariants import differing, files_of_runs, lost, repeated, reports, under_way, visits
from hpo.study.folder import remove_study
from segada.cli.exit_codes import DONE

PATIENCE = 900.0
"""Seconds without a fault, an end or a visit after which a driver is considered to hang."""
LOOK = 0.05
"""Seconds between two checks of a study."""
STRIKES = 4
"""Mean number of faults in the life of a study."""
RESULTS = ("report.html", "results.csv")
"""Files that an ended driver must leave once there has been a visit."""
MOST_FAULTS = 3
"""Number of failed drivers after which a study is abandoned."""


@dataclass(frozen=True)
class Control:
    """The undisturbed study."""

    file: Path
    out: Path
    seconds: float
    """Seconds from the start of its driver to the end."""
    start_seconds: float
    """Seconds from the start of its driver to the first visit."""
    visits: int
    """Number of visits of all runs."""


@dataclass
class Outcome:
    """Outcome of the studies of one kind of fault."""

    kills: int = 0
    studies: int = 0
    trials: int = 0
    """Number of trials of the finished studies."""
    lost: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Drivers that ended in a wrong way."""
    seconds: list[float] = field(default_factory=list)
    """Seconds from the end of a fault until every interrupted run has its next visit; absent if another fault came
    before that.
    """

    @property
    def wrong(self) -> int:
        """Number of findings: lost, repeated and differing results, and failed drivers."""
        return len([*self.lost, *self.repeated, *self.differing, *self.faults])


def control(file: Path, out: Path) -> Control:
    """Runs the study once, undisturbed.

    Raises:
        RuntimeError: if the study fails.
    """
    began = time.monotonic()
    with (out.parent / "control.log").open("wb") as log:
        driver = start(file, out, log.fileno())
        try:
            while driver.poll() is None and all_visits(out) == 0:
                time.sleep(LOOK)
            start_seconds = time.monotonic() - began
            code = driver.wait()
        finally:
            driver.kill()
    if code != DONE:
        raise RuntimeError(f"the undisturbed study ended with code {code}; see {out.parent / 'control.log'}")
    return Control(file, out, time.monotonic() - began, start_seconds, all_visits(out))


def start(file: Path, out: Path, log: int, *options: str) -> "subprocess.Popen[bytes]":
    """Starts the command that begins or continues a study, in a process group of its own.

    Args:
        file: The study file.
        out: Folder of the study.
        log: File descriptor for the command's output.
        options: Further options.
    """
    command = [sys.executable, "-m", "hpo.run", "--space", str(file), "--out", str(out), *options]
    environment = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "HPO_STORAGE")}
    return subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)


class Campaign:
    """One study that is disturbed until it is done."""

    def __init__(self, kind: Kind, against: Control, name: str, generator: np.random.Generator) -> None:
        """Prepares the study.

        Args:
            kind: Kind of fault; its context must be open.
            against: The undisturbed study, whose results this one must reach.
            name: Name of the study's folder inside the kind's.
            generator: Generator of times and targets.
        """
        self.out = kind.place / name
        self._kind = kind
        self._control = against
        self._generator = generator
        # Outside the kind's folder, which may be a full disk.
        self._log = kind.place.parent / f"{kind.place.name}-{name}.log"
        self._seen: dict[str, bytes] = {}
        self._since: float | None = None
        self._waits_for: dict[str, int] = {}
        self._visits = 0

    def run(self, outcome: Outcome, most: int, say: Callable[[str], None]) -> None:
        """Disturbs the study repeatedly, and restarts its command until it is done.

        The time of each fault is drawn as a number of further visits and of seconds after them, uniformly over the
        visits of the study, where each start of a driver counts as a visit.

        Args:
            outcome: Record that is extended.
            most: Total number of faults; the study may end once they are spent.
            say: Receives a line for every fault.
        """
        former = len(outcome.faults)
        for code in self._sessions(outcome, outcome.kills + most, say):
            has_begun = (self.out / "study.yaml").exists()
            if code not in (self._kind.codes if has_begun else self._kind.codes_before):
                outcome.faults.append(f"{self.out}: a driver ended with code {code}; see {self._log}")
            if code == DONE:
                outcome.studies += 1
                outcome.trials += sum(name.startswith("trials/") for name in reports(self.out))
                outcome.differing += [f"{self.out}/{name}" for name in differing(self.out, self._control.out)]
                break
            if len(outcome.faults) - former >= MOST_FAULTS:
                break
        damaged = self._kind.damaged
        seen = {name: report for name, report in self._seen.items() if name not in damaged}
        outcome.lost += [f"{self.out}: {one}" for one in lost(seen, self.out)]
        outcome.repeated += [f"{self.out}/{one}" for one in repeated(self.out, damaged)]
        damaged.clear()

    def remove(self) -> None:
        """Removes the study's files."""
        remove_study(self.out)
        self._log.unlink()

    def _sessions(self, outcome: Outcome, until: int, say: Callable[[str], None]) -> Iterator[int]:
        """Yields the exit codes of successive drivers."""
        while True:
            with self._log.open("ab") as log:
                driver = start(self._control.file, self.out, log.fileno(), *self._kind.options)
            try:
                self._accompany(driver, outcome, until, say)
            finally:
                driver.kill()
            yield driver.wait()

    def _accompany(
        self, driver: "subprocess.Popen[bytes]", outcome: Outcome, until: int, say: Callable[[str], None]
    ) -> None:
        """Disturbs a driver until it ends."""
        began, due = time.monotonic(), self._drawn()
        hangs = began + PATIENCE
        while driver.poll() is None:
            time.sleep(LOOK)
            hangs = time.monotonic() + PATIENCE if self._look(outcome) else hangs
            if outcome.kills < until and due(self._visits) and self._struck(driver):
                outcome.kills += 1
                say(f"{self.out.name}, {time.monotonic() - began:.1f} s from its start, {self._visits} visits done")
                self._await_end(driver, outcome)
                due, hangs = self._drawn(), time.monotonic() + PATIENCE
            if time.monotonic() > hangs:
                outcome.faults.append(f"{self.out}: a driver hangs; see {self._log}")
                return
        self._look(outcome)

    def _drawn(self) -> Callable[[int], bool]:
        """Draws the next fault; returns a function from the number of visits done to True if the fault is due."""
        control = self._control
        visits_more = int(self._generator.geometric(1 / (1 + control.visits / STRIKES))) - 1
        if visits_more == 0 or not self._kind.is_spread:
            target, longest = 0, control.start_seconds
        else:
            target, longest = self._visits + visits_more, (control.seconds - control.start_seconds) / control.visits
        pause = float(self._generator.uniform(0.0, longest))
        reached: list[float] = []

        def is_due(visits_done: int) -> bool:
            if visits_done >= target and not reached:
                reached.append(time.monotonic())
            return bool(reached) and time.monotonic() >= reached[0] + pause

        return is_due

    def _await_end(self, driver: "subprocess.Popen[bytes]", outcome: Outcome) -> None:
        """Waits for the driver's end if the fault requires it, and records a finding if it is late."""
        if self._kind.ends_within is None:
            return
        try:
            driver.wait(self._kind.ends_within)
        except subprocess.TimeoutExpired:
            outcome.faults.append(
                f"{self.out}: a driver still runs {self._kind.ends_within:.0f} s later; see {self._log}"
            )
            driver.kill()
        missing = [name for name in RESULTS if self._visits and not (self.out / name).exists()]
        outcome.faults += [f"{self.out}: a driver ended without {name}; see {self._log}" for name in missing]

    def _struck(self, driver: "subprocess.Popen[bytes]") -> bool:
        if not self._kind.strike(driver, self.out, self._generator):
            return False
        self._since = time.monotonic()
        self._waits_for = under_way(self.out)
        return True

    def _look(self, outcome: Outcome) -> bool:
        """Records runs that finished or continued since the last check; returns True if there is another visit."""
        self._seen = {**reports(self.out, self._seen), **self._seen}
        before, self._visits = self._visits, all_visits(self.out)
        if self._since is not None:
            self._waits_for = {name: done for name, done in self._waits_for.items() if visits(self.out / name) <= done}
            if not self._waits_for and self._visits > before:
                outcome.seconds.append(time.monotonic() - self._since)
                self._since = None
        return self._visits > before


def all_visits(out: Path) -> int:
    """Returns the number of visits that the runs of a study have done."""
    return sum(path.read_bytes().count(b"\n") for path in files_of_runs(out, "visits.jsonl"))
