"""What a search costs beside its runs: trials that do nothing by the second, and the rest of real ones.

The first search is as `python -m hpo.run` does it, journal, Ray, terminal and metrics included, with workers that
answer at once and are used again; it is timed from its first trial's end to its last one's. The second one is the
default study, of which a worker's time from the start of its first trial to the end of its last is divided into the
seconds that its visits say they took, for adaptation and evaluation, and the rest.
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
"""The study of which real trials are run."""
WARM = 10
"""Runs that are over before time counts: until then workers start."""
MILLI = 1000.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.add_argument("--trials", type=count(0), default=300, metavar="N", help="that do nothing; 0 leaves them out")
    parser.add_argument("--workers", type=count(), default=2, metavar="N", help="of both searches")
    parser.add_argument("--real", type=count(0), default=8, metavar="N", help=f"trials of {REAL}; 0 leaves them out")
    parser.add_argument("--of", type=Path, metavar="OUT", help="folder of a study that has run, in place of them")


def run(arguments: argparse.Namespace) -> None:
    """Prints both.

    Raises:
        InputError: `--of` names no study, `--trials` too few.
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
    """How fast trials that do nothing are.

    Attributes:
        trials: That were timed.
        start: Seconds until the first runs were over.
        seconds: From then to the end.
        processor: Seconds of them that the driver spent on a processor.
    """

    trials: int
    start: float
    seconds: float
    processor: float

    def __str__(self) -> str:
        return (
            f"{self.trials} trials that do nothing: {self.trials / self.seconds:.1f} finished a second, after a start "
            f"of {self.start:.1f} s; of {MILLI * self.seconds / self.trials:.1f} ms each, the driver computes "
            f"{MILLI * self.processor / self.trials:.1f}"
        )


class _Watch:
    """An observer that notes when runs are over, by the clock and by the driver's processor time."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []

    def started(self, job: Job) -> None:
        """Nothing to note."""

    def visited(self, job: Job, report: RunReport) -> None:
        """Nothing to note."""

    def recovered(self, job: Job) -> None:
        """Nothing to note."""

    def dropped(self, job: Job) -> None:
        """Nothing to note."""

    def waiting(self, drivers: Sequence[str]) -> None:
        """Nothing to note."""

    def ended(self, _job: Job, _outcome: Outcome) -> None:
        """Notes it."""
        self.ends.append((time.perf_counter(), time.process_time()))


def idle(trials: int, workers: int) -> Pace:
    """Searches with trials that do nothing.

    Args:
        trials: How many.
        workers: That do them.

    Raises:
        InputError: there are too few trials to be timed.
    """
    # Imported here: Ray takes seconds, and the other half of the command does without it.
    from benchmarks.search.idle import IdleTrainable
    from hpo.execution.cluster import Resources, cluster
    from hpo.execution.prometheus import Gauges
    from hpo.execution.tune import execute

    if trials <= WARM:
        raise InputError(f"--trials {trials}: must be more than {WARM}, which are over before time counts, or 0")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    watch, began = _Watch(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / "idle.yaml", Path(folder) / "idle"
        path.write_text(STUDY.format(trials=trials, workers=workers))
        file = load_study(str(path))
        with joined(out) as driver, cluster(Resources(workers, 1, 0, 1), None) as ray:
            study, plan = open_study(file, out, driver), Plan(file, out)
            counts = count_trials(study.optuna_study)
            shown = ConsoleReporter(PlainConsole(io.StringIO()), file.settings, counts, plan.jobs_left(study))
            coordinator = RunCoordinator(study, plan, [shown, Gauges(file.settings.name, counts), watch])
            execute(coordinator, {}, ray, driver.scratch, 0, IdleTrainable)
    (start, computed), (end, computed_all) = watch.ends[WARM - 1], watch.ends[-1]
    return Pace(len(watch.ends) - WARM, start - began, end - start, computed_all - computed)


@dataclass(frozen=True)
class Rest:
    """What of the time of workers is neither adaptation nor evaluation.

    Attributes:
        trials: That were run.
        workers: That ran them.
        seconds: From the start of each worker's first trial to the end of its last, over all workers.
        visits: Seconds of them that visits took.
    """

    trials: int
    workers: int
    seconds: float
    visits: float

    @property
    def share(self) -> float:
        """Of the time, in [0, 1]."""
        return 1.0 - self.visits / self.seconds

    def __str__(self) -> str:
        each = (self.seconds - self.visits) / self.trials
        return (
            f"{self.trials} trials on {self.workers} workers: of {self.seconds:.1f} s of theirs, {self.visits:.1f} "
            f"were adaptation and evaluation; the rest is {100 * self.share:.1f} %, {each:.2f} s a trial"
        )


def rest_of(out: Path) -> Rest:
    """What of the time of the workers of a study was neither adaptation nor evaluation.

    Args:
        out: Its folder.

    Raises:
        InputError: it holds no study of which trials were finished.
    """
    if not (out / "study.yaml").is_file():
        raise InputError(f"{out}: holds no study; name the folder of one's results")
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
    """First start and last end of workers that can have done what took these spans, as few as suffice."""
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
