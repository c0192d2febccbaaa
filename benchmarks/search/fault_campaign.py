"""Studies that are disturbed again and again until they are done, and what came of them."""

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
"""Seconds without a mishap, an end or a visit after which a driver is taken to hang."""
LOOK = 0.05
"""Seconds between two looks at a study."""
STRIKES = 4
"""In the life of a study, on average."""
RESULTS = ("report.html", "results.csv")
"""What a driver that is ended leaves, once there has been a visit."""
MOST_FAULTS = 3
"""Of drivers, after which a study is given up."""


@dataclass(frozen=True)
class Control:
    """The study that nobody disturbs."""

    file: Path
    out: Path
    seconds: float
    """From the start of its driver to the end."""
    start_seconds: float
    """From the start of its driver to the first visit."""
    visits: int
    """Of all runs."""


@dataclass
class Outcome:
    """What came of the studies of one kind of mishap."""

    kills: int = 0
    studies: int = 0
    trials: int = 0
    """Of the studies that were finished."""
    lost: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Drivers that ended as they should not."""
    seconds: list[float] = field(default_factory=list)
    """From the end of a mishap until everything that was under way has its next visit; left out where another mishap
    came before."""

    @property
    def wrong(self) -> int:
        """How many things were lost, repeated or otherwise."""
        return len([*self.lost, *self.repeated, *self.differing, *self.faults])


def control(file: Path, out: Path) -> Control:
    """Runs the study once, alone.

    Raises:
        RuntimeError: it does not end well even so.
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
        raise RuntimeError(f"the study that nobody disturbs ended with code {code}; see {out.parent / 'control.log'}")
    return Control(file, out, time.monotonic() - began, start_seconds, all_visits(out))


def start(file: Path, out: Path, log: int, *options: str) -> "subprocess.Popen[bytes]":
    """The one command that begins a study and goes on with it, with a process group of its own.

    Args:
        file: The study.
        out: Its folder.
        log: A file for what the command says.
        options: Further ones.
    """
    command = [sys.executable, "-m", "hpo.run", "--space", str(file), "--out", str(out), *options]
    environment = {name: value for name, value in os.environ.items() if name not in ("RAY_ADDRESS", "HPO_STORAGE")}
    return subprocess.Popen(command, stdout=log, stderr=log, env=environment, start_new_session=True)


class Campaign:
    """One study, disturbed until it is done."""

    def __init__(self, kind: Kind, against: Control, name: str, generator: np.random.Generator) -> None:
        """Prepares it.

        Args:
            kind: What befalls it; its context is open.
            against: What it must come to.
            name: Of its folder, in the kind's.
            generator: Of the times, and of what is hit.
        """
        self.out = kind.place / name
        self._kind = kind
        self._control = against
        self._generator = generator
        # Not where a disk is filled.
        self._log = kind.place.parent / f"{kind.place.name}-{name}.log"
        self._seen: dict[str, bytes] = {}
        self._since: float | None = None
        self._waits_for: dict[str, int] = {}
        self._visits = 0

    def run(self, outcome: Outcome, most: int, say: Callable[[str], None]) -> None:
        """Disturbs the study again and again, and starts its command until it is done.

        After how many further visits, and how many seconds after these, is drawn: evenly over the visits of the study,
        each of its drivers' starts being one of them.

        Args:
            outcome: Is added to.
            most: Mishaps; once they are spent, the study may end.
            say: Is told of every mishap.
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
        """Removes what the study has left."""
        remove_study(self.out)
        self._log.unlink()

    def _sessions(self, outcome: Outcome, until: int, say: Callable[[str], None]) -> Iterator[int]:
        """The exit codes of the drivers, one after the other."""
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
        """Disturbs a driver to its end."""
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
        """Draws when it happens next, and gives what says, of the visits done, whether this is now."""
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
        """Sees to it that a driver ends, where it has to."""
        if self._kind.ends_within is None:
            return
        try:
            driver.wait(self._kind.ends_within)
        except subprocess.TimeoutExpired:
            outcome.faults.append(f"{self.out}: a driver goes on {self._kind.ends_within:.0f} s later; see {self._log}")
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
        """Takes note of runs that are over, and of those that go on; says whether there is another visit."""
        self._seen = {**reports(self.out, self._seen), **self._seen}
        before, self._visits = self._visits, all_visits(self.out)
        if self._since is not None:
            self._waits_for = {name: done for name, done in self._waits_for.items() if visits(self.out / name) <= done}
            if not self._waits_for and self._visits > before:
                outcome.seconds.append(time.monotonic() - self._since)
                self._since = None
        return self._visits > before


def all_visits(out: Path) -> int:
    """Visits that the runs of a study have done."""
    return sum(path.read_bytes().count(b"\n") for path in files_of_runs(out, "visits.jsonl"))
