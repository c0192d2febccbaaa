"""Readable status of a study: tables in a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo.monitoring.status import Running, StudyStatus
from hpo.reporting.wording import clock, metric_name, metric_value, tenths
from segada.core.printing import escaped

NO_DRIVER = "no driver (resumes with the study)"


def print_plain(status: StudyStatus, write: Callable[[str], None]) -> None:
    """Prints one line per item."""
    write(f"{status.name} ({status.place})")
    for line in (*_counts(status), *_ends(status)):
        write(line)
    for run in status.running:
        write(f"{'running' if run.driver else 'interrupted'}: {run.name}, {', '.join(_facts(run))}")
    for name, reason in status.failures.items():
        write(f"failed: {name}: {reason}")
    for name, incidents in status.incidents.items():
        for incident in incidents:
            write(f"incident: {name}: {incident}")
    for name, note in status.notes.items():
        write(f"note: {name}: {note}")
    for line in status.damages:
        write(f"damaged: {line}")


def print_table(status: StudyStatus, console: Console) -> None:
    """Prints the status as tables with progress bars."""
    console.print(Text(escaped(status.name), style="bold"), Text(escaped(status.place), style="dim"))
    for line in (*_counts(status), *_ends(status)):
        console.print(line)
    if status.running:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("running", "", "visit", "domain", "mIoU, %", "since", "driver"):
            table.add_column(column)
        for run in status.running:
            bar = ProgressBar(run.of or 1, run.visits if run.of else 0, width=18)
            table.add_row(run.name, bar, *_cells(run))
        console.print(table)
    for title, lines in (
        ("failed", _failures(status)),
        ("incidents", _incidents(status)),
        ("notes", [f"{name}: {note}" for name, note in status.notes.items()]),
        ("damaged", status.damages),
    ):
        if lines:
            console.print(title, style="bold")
        for line in lines:
            console.print(f"  {line}")


def _counts(status: StudyStatus) -> Iterator[str]:
    of = "" if status.trials is None else f"/{status.trials}"
    counts = f"{status.complete} done, {status.pruned} pruned, {status.failed} failed"
    counts += f", {status.uncounted} of them outside the budget" if status.uncounted else ""
    yield f"trials: {status.over}{of}: {counts}, {len(status.running)} runs started"
    if status.best_trial is not None:
        values = [f"{metric_name(metric)} {metric_value(metric, value)}" for metric, value in status.best.items()]
        yield f"best so far: trial {status.best_trial}: {', '.join(values)} (one seed, not confirmed)"
    if status.to_confirm:
        yield f"confirmation: {status.confirmed} of at most {status.to_confirm} runs"


def _ends(status: StudyStatus) -> Iterator[str]:
    if status.visits_per_minute is not None and status.drivers:
        left = "" if status.seconds_left is None else f", about {clock(status.seconds_left)} left"
        yield f"speed: {status.visits_per_minute:.1f} visits per minute{left}"
    yield f"drivers: {', '.join(status.drivers) or 'none running'}"


def _failures(status: StudyStatus) -> list[str]:
    return [f"{name}: {reason}" for name, reason in status.failures.items()]


def _incidents(status: StudyStatus) -> list[str]:
    return [f"{name}: {incident}" for name, incidents in status.incidents.items() for incident in incidents]


def _facts(run: Running) -> Iterator[str]:
    visit, domain, miou, since, driver = _cells(run)
    yield f"visits {visit}"
    if domain:
        yield f"in {domain}"
    if miou:
        yield f"mIoU {miou} %"
    if since:
        yield f"since {since}"
    yield f"by {driver}"


def _cells(run: Running) -> tuple[str, str, str, str, str]:
    visits = str(run.visits) if run.of is None else f"{run.visits}/{run.of}"
    miou = "" if run.miou is None else tenths(run.miou)
    since = "" if run.since is None else time.strftime("%d %b %H:%M:%S", time.localtime(run.since))
    return visits, run.domain or "", miou, since, run.driver or NO_DRIVER
