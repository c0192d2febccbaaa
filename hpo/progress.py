"""What a person sees while the main job runs: a live view in a terminal, plain lines elsewhere."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from optuna.trial import TrialState
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo.jobs import Job, Outcome
from hpo.objectives import objective_value
from hpo.reporting.wording import clock, metric_title, metric_value, tenths
from hpo.results import visited_miou
from hpo.study import Study
from hpo.study_settings import StudySettings
from segada.records import RunReport


@dataclass
class Tally:
    """How far a study is; taken over from the ledger when a study goes on."""

    complete: int = 0
    pruned: int = 0
    failed: int = 0
    best: tuple[str, float] | None = None
    """Name and first objective of the best trial."""


def tally_of(study: Study) -> Tally:
    """What a study's ledger says so far."""
    states = [trial.state for trial in study.finished()]
    best = study.best(1)
    return Tally(
        complete=states.count(TrialState.COMPLETE),
        pruned=states.count(TrialState.PRUNED),
        failed=states.count(TrialState.FAIL),
        best=(f"trial {best[0].number}", best[0].values[0]) if best else None,
    )


@dataclass
class _Line:
    visits: int
    done: int = 0
    domain: str = ""
    miou: float | None = None
    started: float = field(default_factory=time.monotonic)


class Progress:
    """An observer that shows a line per running job, the best so far, the counts and the estimated end."""

    def __init__(self, console: Console, settings: StudySettings, tally: Tally, jobs: int) -> None:
        """Prepares the view.

        Args:
            console: where it is shown.
            settings: of the study.
            tally: of the trials that are over.
            jobs: runs that are left to do, baselines and confirmation included.
        """
        self._console = console
        self._settings = settings
        self._tally = tally
        self._jobs = jobs
        self._done = 0
        self._first = time.monotonic()
        self._lines: dict[str, _Line] = {}
        self._live = Live(console=console, get_renderable=self._view, refresh_per_second=4, transient=True)

    def __enter__(self) -> "Progress":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if self._done:
            took = clock(time.monotonic() - self._first)
            self._console.print(f"this session: {self._done} runs in {took}", highlight=False)

    def started(self, job: Job) -> None:
        """A new line."""
        if not self._lines and not self._done:
            self._first = time.monotonic()
        self._lines[job.name] = _Line(len(job.settings.stream.all_visits()))

    def visited(self, job: Job, report: RunReport) -> None:
        """The line moves."""
        line = self._lines[job.name]
        line.done, line.domain, line.miou = len(report.visits), report.visits[-1].domain, report.mean_miou

    def recovered(self, job: Job) -> None:
        """Said aloud: a dying worker is worth a look at the machine."""
        self._console.print(
            f"{job.name}: its worker died; another one goes on after visit {self._lines[job.name].done}"
        )

    def dropped(self, job: Job) -> None:
        """The line goes."""
        del self._lines[job.name]
        self._console.print(f"{job.name}: another driver goes on with it, since this one was silent for too long")

    def waiting(self, drivers: Sequence[str]) -> None:
        """Said once, so that nobody takes it for a standstill."""
        self._console.print(f"waiting for what is left, in the hands of {', '.join(drivers)}", highlight=False)

    def ended(self, job: Job, outcome: Outcome) -> None:
        """The line goes; what became of the job stays."""
        line = self._lines.pop(job.name)
        self._done += 1
        if job.kind == "trial":
            self._count(job, outcome)
        seconds = time.monotonic() - line.started
        self._console.print(
            f"{job.name}: {_said(outcome)}, {seconds:.0f} s · {self._summary()}", highlight=False, soft_wrap=True
        )

    def _count(self, job: Job, outcome: Outcome) -> None:
        tally = self._tally
        tally.complete += outcome.state == "complete"
        tally.pruned += outcome.state == "pruned"
        tally.failed += outcome.state == "fail"
        if outcome.state != "complete" or outcome.report is None:
            return
        first = self._settings.objectives[0]
        value = objective_value(first.metric, outcome.report)
        upwards = first.goal == "maximise"
        if tally.best is None or (value > tally.best[1] if upwards else value < tally.best[1]):
            tally.best = (job.name, value)

    def _summary(self) -> str:
        tally = self._tally
        over = tally.complete + tally.pruned + tally.failed
        counts = f"{tally.complete} done, {tally.pruned} pruned, {tally.failed} failed"
        parts = [f"{over}/{self._settings.budget.trials} trials: {counts}"]
        if tally.best is not None:
            name, value = tally.best
            metric = self._settings.objectives[0].metric
            parts.append(f"best {name}: {metric_title(metric)} {metric_value(metric, value)}")
        left = self._seconds_left()
        if left is not None:
            parts.append(f"about {clock(left)} left")
        return " · ".join(parts)

    def _seconds_left(self) -> float | None:
        if not self._done:
            return None
        return (time.monotonic() - self._first) / self._done * max(self._jobs - self._done, 0)

    def _view(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        # A copy: the live view is drawn by a thread of its own.
        for name, line in list(self._lines.items()):
            shown = "" if line.miou is None else f"mIoU {100 * line.miou:.1f} %"
            table.add_row(
                name, ProgressBar(line.visits, line.done, width=18), f"{line.done}/{line.visits}", line.domain, shown
            )
        return Group(table, Text(self._summary(), style="dim"))


def _said(outcome: Outcome) -> str:
    if outcome.state == "fail" or outcome.report is None:
        return f"failed: {outcome.reason}"
    report = outcome.report
    if outcome.state == "pruned":
        return f"pruned after visit {len(report.visits)}"
    last = f"{report.visits[-1].domain} {tenths(visited_miou(report.visits)[-1])} %"
    return f"mIoU {tenths(report.mean_miou)} % ({tenths(report.gain, '+')} over source only), {last}"
