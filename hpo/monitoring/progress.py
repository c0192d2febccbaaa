"""Progress of a driver on the console: a live view in a terminal, plain lines elsewhere."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo.config.objectives import objective_value
from hpo.config.schema import StudySettings
from hpo.monitoring.trial_counts import TrialCounts
from hpo.reporting.budget import trials_line
from hpo.reporting.conclusion import SOURCE_CURE
from hpo.reporting.feasibility import violations
from hpo.reporting.headline import source_sentence
from hpo.reporting.wording import clock, counted, metric_name, metric_with_unit, tenths
from hpo.results.feasibility import constraint_results
from hpo.results.source_model import source_model_of
from hpo.study.jobs import Job, Outcome
from hpo.study.names import SOURCE_ONLY
from segada.core.printing import escaped
from segada.records import RunReport

SECONDS = 30.0
"""Seconds between two lines on a running job without a terminal; shorter runs are reported at their end only."""


@dataclass
class _Line:
    visits: int
    started: float
    reported: float
    """Monotonic time of the last line about the job."""
    done: int = 0
    before: int = 0
    """Number of visits that were done before the job was handed out."""
    domain: str = ""
    miou: float | None = None

    def __str__(self) -> str:
        if self.miou is None:
            return f"visit {self.done}/{self.visits}"
        scored = "not scored" if math.isnan(self.miou) else f"mIoU so far {tenths(self.miou)} %"
        return f"visit {self.done}/{self.visits}, {self.domain}, {scored}"


class ConsoleReporter:
    """Observer that shows a line per running job, the best so far, the counts and the estimated end."""

    def __init__(self, console: Console, settings: StudySettings, count: Callable[[], TrialCounts], jobs: int) -> None:
        """Prepares the view.

        Args:
            console: console of the view.
            settings: settings of the study.
            count: reads the trials of the study as they are now, with those of other drivers.
            jobs: number of remaining runs, including baselines and confirmation.
        """
        self._console = console
        self._settings = settings
        self._count = count
        self._counts = count()
        self._jobs = jobs
        self._done = 0
        self._first = time.monotonic()
        self._lines: dict[str, _Line] = {}
        self._live = Live(console=console, get_renderable=self._view, refresh_per_second=4, transient=True)

    def __enter__(self) -> "ConsoleReporter":
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()
        if self._done:
            took = clock(time.monotonic() - self._first)
            self._console.print(f"this session: {counted(self._done, 'run')} in {took}")

    def started(self, job: Job) -> None:
        """Adds a line."""
        if not self._lines and not self._done:
            self._first = time.monotonic()
        now = time.monotonic()
        self._lines[job.name] = _Line(len(job.settings.stream.all_visits()), started=now, reported=now)
        self._counts = self._count()

    def visited(self, job: Job, report: RunReport) -> None:
        """Updates the line."""
        line = self._lines[job.name]
        if line.done == 0:
            line.before = len(report.visits) - 1
        line.done, line.domain, line.miou = len(report.visits), report.visits[-1].domain, report.mean_miou
        if not self._console.is_terminal and time.monotonic() - line.reported >= SECONDS and line.done < line.visits:
            line.reported = time.monotonic()
            self._console.print(f"{job.name}: {line}")

    def recovered(self, job: Job) -> None:
        """Prints a notice: the user may want to check the machine of a dead worker."""
        self._console.print(
            f"{job.name}: its worker died; another one resumes after visit {self._lines[job.name].done}"
        )

    def dropped(self, job: Job) -> None:
        """Removes the line."""
        del self._lines[job.name]
        self._console.print(f"{job.name}: taken over by another driver, because this one was silent for too long")

    def exhausted(self, end: str) -> None:
        """Prints why the search ends before its budget is spent."""
        self._console.print(f"{end}; the search ends here, before its {self._settings.budget.trials} trials")

    def waiting(self, drivers: Sequence[str]) -> None:
        """Prints once that this driver waits for others."""
        self._console.print(f"waiting for the remaining runs of {', '.join(drivers)}")

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Removes the line and prints the outcome of the job."""
        line = self._lines.pop(job.name)
        self._done += 1
        self._counts = self._count()
        self._warn(job, outcome.report)
        seconds = time.monotonic() - line.started
        self._console.print(
            f"{job.name}: {self._result(job, outcome)}, {seconds:.0f} s · {self._summary()}", soft_wrap=True
        )

    def _warn(self, job: Job, report: RunReport | None) -> None:
        """Prints once that the source model does not work, at the end of its own run, the first of the study."""
        if job.name != SOURCE_ONLY or report is None:
            return
        source = source_model_of(report, job.settings.stream.source, self._settings.confirm.source_at_least)
        if source is not None and not source.works:
            self._console.print(f"warning: {source_sentence(source)} {SOURCE_CURE}", soft_wrap=True)

    def _summary(self) -> str:
        budget, best = self._counts.budget, self._counts.best
        parts = [trials_line(budget)]
        if best is not None:
            metric = self._settings.objectives[0].metric
            parts.append(f"best trial {best.number}: {metric_name(metric)} {metric_with_unit(metric, best.values[0])}")
        left = self._seconds_left()
        if left is not None:
            end = datetime.now().astimezone() + timedelta(seconds=left)
            parts.append(f"about {clock(left)} left, until {end:%a %H:%M}")
        return " · ".join(parts)

    def _seconds_left(self) -> float | None:
        """Estimates the remaining seconds from the pace of this session, counting a visit as its share of a run."""
        lines = list(self._lines.values())
        worked = self._done + sum((line.done - line.before) / line.visits for line in lines if line.done)
        if not worked:
            return None
        left = self._jobs - self._done - sum(line.done / line.visits for line in lines)
        return (time.monotonic() - self._first) / worked * max(left, 0.0)

    def _result(self, job: Job, outcome: Outcome) -> str:
        if outcome.state == "fail":
            return f"failed: {outcome.reason}"
        if outcome.report is None:
            return f"ended: {outcome.reason}"
        report = outcome.report
        if outcome.state == "pruned":
            return f"pruned after visit {len(report.visits)}"
        visit = report.visits[-1]
        last = f"{visit.domain} {tenths(visit.visited_miou)} %" if visit.is_scored else f"{visit.domain} not scored"
        # Baselines are no candidates, so that no constraint applies to them.
        constraints = () if job.trial is None else self._settings.constraints
        broken = violations(constraint_results(constraints, report))
        limits = f", {broken}" if broken else ""
        return f"{self._figure(report)}, {last}{limits}"

    def _figure(self, report: RunReport) -> str:
        """Returns the result of a run: its mIoU and gain; the first objective if no visited domain has labels."""
        if math.isnan(report.mean_miou):
            metric = self._settings.objectives[0].metric
            return f"{metric_name(metric)} {metric_with_unit(metric, objective_value(metric, report))}"
        # The runs of an external engine do not score the source model.
        over = "" if math.isnan(report.gain) else f" ({tenths(report.gain, '+')} over source only)"
        return f"mIoU {tenths(report.mean_miou)} %{over}"

    def _view(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        # Iterates over a copy, because a thread of its own draws the live view.
        for name, line in list(self._lines.items()):
            table.add_row(name, ProgressBar(line.visits, line.done, width=18), str(line))
        return Group(table, Text(escaped(self._summary()), style="dim"))
