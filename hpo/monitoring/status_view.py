"""Readable status of a study: tables in a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator, Sequence

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo.monitoring.status import Running, StudyStatus
from hpo.monitoring.study_folder import ConfirmedBest
from hpo.reporting.budget import confirmation_line, trials_line
from hpo.reporting.wording import clock, counted, interval, metric_name, metric_with_unit, tenths, title
from segada.core.printing import escaped

LINE_HEADINGS = {"incidents": "incident", "notes": "note"}
"""Headings of lists as the beginning of a line, where they differ."""
NO_DRIVER = "no driver (resumes with the study)"


def print_plain(status: StudyStatus, write: Callable[[str], None]) -> None:
    """Prints one line per item."""
    write(f"{status.name} ({status.place})")
    for line in (*_counts(status), *_ends(status), *_outcome(status)):
        write(line)
    for run in status.running:
        write(f"{'running' if run.driver else 'interrupted'}: {run.name}, {', '.join(_facts(run))}")
    for heading, lines in _lists(status):
        for line in lines:
            write(f"{LINE_HEADINGS.get(heading, heading)}: {line}")


def print_table(status: StudyStatus, console: Console) -> None:
    """Prints the status as tables with progress bars."""
    console.print(Text(escaped(status.name), style="bold"), Text(escaped(status.place), style="dim"))
    for line in (*_counts(status), *_ends(status), *_outcome(status)):
        console.print(line)
    if status.running:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("running", "", "visit", "domain", "mIoU, %", "since", "driver"):
            table.add_column(column)
        for run in status.running:
            bar = ProgressBar(run.of or 1, run.visits if run.of else 0, width=18)
            table.add_row(run.name, bar, *_cells(run))
        console.print(table)
    for heading, lines in _lists(status):
        if lines:
            console.print(heading, style="bold")
        for line in lines:
            console.print(f"  {line}")


def _lists(status: StudyStatus) -> Iterator[tuple[str, Sequence[str]]]:
    yield "infeasible", [f"{name} {one.text}" for name, broken in status.infeasible.items() for one in broken]
    yield "failed", [f"{name}: {reason}" for name, reason in status.failures.items()]
    incidents = [(name, incident) for name, incidents in status.incidents.items() for incident in incidents]
    yield "incidents", [f"{name}: {incident}" for name, incident in incidents]
    yield "notes", [f"{name}: {note}" for name, note in status.notes.items()]
    yield "damaged", status.damages


def _counts(status: StudyStatus) -> Iterator[str]:
    yield f"search: {trials_line(status.budget)}"
    if status.best_trial is not None and status.confirmed_best is None:
        values = [f"{metric_name(metric)} {metric_with_unit(metric, value)}" for metric, value in status.best.items()]
        yield f"best so far: trial {status.best_trial}: {', '.join(values)} (one seed, not confirmed)"
    if status.to_confirm:
        yield f"confirmation: {confirmation_line(status.confirmation)}"


def _outcome(status: StudyStatus) -> Iterator[str]:
    best = status.confirmed_best
    if best is not None:
        yield f"confirmed: {title(best.name)}: {_confirmed(best)}"
    if status.conclusion is not None:
        yield f"finished: {status.conclusion}"
    if status.details is not None:
        yield status.details
    yield from status.next_steps


def _confirmed(best: ConfirmedBest) -> str:
    seeds = f"{counted(len(best.seeds), 'fresh seed')}"
    if best.mean_miou is None:
        values = [
            f"{metric_name(metric)} {metric_with_unit(metric, value)}" for metric, value in best.objectives.items()
        ]
        return ", ".join([*values, f"mean over {seeds}", "no visited domain is scored"])
    deviation = "" if best.seed_deviation is None else f", standard deviation {tenths(best.seed_deviation)} points"
    return f"{tenths(best.mean_miou.value)} % mIoU ({interval(best.mean_miou)}; {seeds}{deviation})"


def _ends(status: StudyStatus) -> Iterator[str]:
    if status.visits_per_minute is not None and status.drivers:
        left = "" if status.seconds_left is None else f", about {clock(status.seconds_left)} left"
        yield f"speed: {status.visits_per_minute:.1f} visits per minute{left}"
    yield f"drivers: {', '.join(status.drivers) or 'none running'}"


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
