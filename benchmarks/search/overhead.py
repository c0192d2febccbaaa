"""Measures the overhead of a search: idle trials per second, and the share of real trials outside visits.

The first search runs as in `python -m hpo.run`, journal, Ray, terminal and metrics included, with reused workers that
answer without delay; it is timed from the end of its first trials to the end of its last. The second is the default
study. The time of a worker from the start of its first trial to the end of its last is divided into the seconds that
its visits report, for adaptation and evaluation, and the rest.
"""

import argparse
import io
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna

from benchmarks.search.options import count
from hpo.config.study_file import load_study
from hpo.monitoring.progress import ConsoleReporter
from hpo.monitoring.trial_counts import count_trials
from hpo.orchestration.coordinator import RunCoordinator
from hpo.results.collect import results_of
from hpo.study.drivers import joined
from hpo.study.jobs import Job, Outcome
from hpo.study.plan import Plan
from hpo.study.study import open_study, read_study
from segada.cli.console import PlainConsole
from segada.errors import InputError
from segada.records import RunReport

STUDY = """
name: idle
run: {{stream: {{visits: [clear]}}, evaluation: {{split: val}}}}
space:
  method.pseudo_threshold: {{type: float, low: 0.5, high: 0.9, default: 0.9}}
  method.optimizer.lr: {{type: float, low: 1e-4, high: 1e-2, log: true, default: 1e-3}}
sampler: {{name: random, seed: 0}}
budget: {{trials: {trials}}}
confirm: {{top: 0}}
resources: {{workers: {workers}}}
"""
REAL = "ga_dacs"
"""Name of the study whose trials are real runs."""
WARM = 10
"""Number of runs before the measurement, during which workers start."""
MILLI = 1000.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    parser.add_argument("--trials", type=count(0), default=300, metavar="N", help="number of idle trials; 0 for none")
    parser.add_argument("--workers", type=count(), default=2, metavar="N", help="number of workers of both searches")
    parser.add_argument("--real", type=count(0), default=8, metavar="N", help=f"number of trials of {REAL}; 0 for none")
    parser.add_argument(
        "--of", type=Path, metavar="OUT", help="folder of a finished study, instead of running these trials"
    )


def run(arguments: argparse.Namespace) -> None:
    """Prints both measurements.

    Raises:
        InputError: if `--of` names no study, or `--trials` is too small.
    """
    console = PlainConsole(soft_wrap=True)
    if arguments.trials:
        console.print(str(idle(arguments.trials, arguments.workers)))
    if arguments.of is not None:
        console.print(str(rest_of(arguments.of.resolve())))
    elif arguments.real:
        with tempfile.TemporaryDirectory() as folder:
            console.print(str(rest_of(_real(Path(folder) / "real", arguments.real, arguments.workers))))


@dataclass(frozen=True)
class Pace:
    """Throughput of idle trials.

    Attributes:
        trials: Number of timed trials.
        start: Seconds until the first runs were finished.
        seconds: Seconds from then to the end.
        processor: Processor seconds of the driver in this time.
    """

    trials: int
    start: float
    seconds: float
    processor: float

    def __str__(self) -> str:
        return (
            f"{self.trials} idle trials: {self.trials / self.seconds:.1f} finished per second, after a start "
            f"of {self.start:.1f} s; of {MILLI * self.seconds / self.trials:.1f} ms each, the driver computes "
            f"{MILLI * self.processor / self.trials:.1f}"
        )


class _Watch:
    """An observer that records the wall time and the driver's processor time at the end of each run."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def started(self, job: Job) -> None:
        """Does nothing."""

    def visited(self, job: Job, report: RunReport) -> None:
        """Does nothing."""

    def recovered(self, job: Job) -> None:
        """Does nothing."""

    def dropped(self, job: Job) -> None:
        """Does nothing."""

    def waiting(self, drivers: Sequence[str]) -> None:
        """Does nothing."""

    def exhausted(self, end: str) -> None:
        """Does nothing."""

    def ended(self, _job: Job, _outcome: Outcome) -> None:
        """Records the time."""
        self.ends.append((time.perf_counter(), time.process_time()))


def idle(trials: int, workers: int) -> Pace:
    """Runs a search of idle trials.

    Args:
        trials: Number of trials.
        workers: Number of workers.

    Raises:
        InputError: if there are too few trials to be timed.
    """
    # Imported here because Ray takes seconds to import and the other half of the command does not need it.
    from benchmarks.search.idle import IdleTrainable
    from hpo.execution.cluster import Resources, cluster
    from hpo.execution.prometheus import Gauges
    from hpo.execution.tune import execute

    if trials <= WARM:
        raise InputError(
            f"--trials {trials}: must be 0 or more than {WARM}, the number of trials before the measurement"
        )
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    watch, began = _Watch(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "idle.yaml", Path(folder) / "idle"
        path.write_text(STUDY.format(trials=trials, workers=workers))
        file = load_study(str(path))
        with joined(out) as driver, cluster(Resources(workers, 1, 0, 1), None) as ray:
            study, plan = open_study(file, out, driver), Plan(file, out)
            console = PlainConsole(io.StringIO())
            shown = ConsoleReporter(console, file.settings, lambda: count_trials(study), plan.jobs_left(study))
            coordinator = RunCoordinator(study, plan, [shown, Gauges(file.settings.name, study.budget()), watch])
            execute(coordinator, {}, ray, driver.scratch, 0, IdleTrainable)
    (start, computed), (end, computed_all) = watch.ends[WARM - 1], watch.ends[-1]
    return Pace(len(watch.ends) - WARM, start - began, end - start, computed_all - computed)


@dataclass(frozen=True)
class Rest:
    """Time of workers outside adaptation and evaluation.

    Attributes:
        trials: Number of trials.
        workers: Number of workers.
        seconds: Seconds from the start of each worker's first trial to the end of its last, summed over workers.
        visits: Seconds of this time spent in visits.
    """

    trials: int
    workers: int
    seconds: float
    visits: float

    @property
    def share(self) -> float:
        """Share of the time outside visits, in [0, 1]."""
        return 1.0 - self.visits / self.seconds

    def __str__(self) -> str:
        each = (self.seconds - self.visits) / self.trials
        return (
            f"{self.trials} trials on {self.workers} workers: of {self.seconds:.1f} s of worker time, "
            f"{self.visits:.1f} were adaptation and evaluation; the rest is "
            f"{100 * self.share:.1f} %, {each:.2f} s a trial"
        )


def rest_of(out: Path) -> Rest:
    """Computes the share of a study's worker time outside adaptation and evaluation.

    Args:
        out: Folder of the study.

    Raises:
        InputError: if the folder contains no study with finished trials.
    """
    if not (out / "study.yaml").is_file():
        raise InputError(f"{out}: contains no study; name the results folder of a study")
    file = load_study(str(out / "study.yaml"), runs=False)
    study = read_study(file, out)
    took = {trial.number: trial.seconds for trial in results_of(study, Plan(file, out), None).trials}
    spans = {
        trial.number: (trial.datetime_start.timestamp(), trial.datetime_complete.timestamp())
        for trial in study.finished()
        if trial.datetime_start is not None and trial.datetime_complete is not None
    }
    if not spans:
        raise InputError(f"{out}: no trial of this study is finished")
    lanes = _lanes(list(spans.values()))
    visits = sum(took[number] for number in spans)
    return Rest(len(spans), len(lanes), sum(end - start for start, end in lanes), visits)


def _lanes(spans: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Returns first start and last end of each worker, for the least number of workers that fits these time spans."""
    lanes: list[tuple[float, float]] = []
    for start, end in sorted(spans):
        free = [lane for lane in lanes if lane[1] <= start]
        last = max(free, key=lambda lane: lane[1], default=(start, end))
        lanes = [lane for lane in lanes if lane is not last] + [(last[0], end)]
    return lanes


def _real(out: Path, trials: int, workers: int) -> Path:
    options = {"budget.trials": trials, "resources.workers": workers, "confirm.top": 0}
    assignments = [word for path, value in options.items() for word in ("--set", f"{path}={value}")]
    command = [sys.executable, "-m", "hpo.run", "--space", REAL, "--out", str(out), *assignments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return out
