"""The standing of a study as people read it: tables in a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from hpo.monitoring.status import Running, Standing
from hpo.reporting.wording import clock, metric_name, metric_value, tenths
from segada.core.printing import escaped

NOBODY = "nobody: it goes on with the study"


def print_plain(standing: Standing, write: Callable[[str], None]) -> None:
    """A line for each thing."""
    write(f"{standing.name} ({standing.place})")
    for line in (*_counts(standing), *_ends(standing)):
        write(line)
    for run in standing.running:
        write(f"{'running' if run.driver else 'interrupted'}: {run.name}, {', '.join(_facts(run))}")
    for name, reason in standing.failures.items():
        write(f"failed: {name}: {reason}")
    for name, mishaps in standing.mishaps.items():
        for mishap in mishaps:
            write(f"on the way: {name}: {mishap}")
    for line in standing.damages:
        write(f"damaged: {line}")


def print_table(standing: Standing, console: Console) -> None:
    """The same with bars."""
    console.print(Text(escaped(standing.name), style="bold"), Text(escaped(standing.place), style="dim"))
    for line in (*_counts(standing), *_ends(standing)):
        console.print(line)
    if standing.running:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for column in ("running", "", "visit", "domain", "mIoU, %", "since", "driver"):
            table.add_column(column)
        for run in standing.running:
            bar = ProgressBar(run.of or 1, run.visits if run.of else 0, width=18)
            table.add_row(run.name, bar, *_cells(run))
        console.print(table)
    for title, lines in (
        ("failed", _failures(standing)),
        ("on the way", _mishaps(standing)),
        ("damaged", standing.damages),
    ):
        if lines:
            console.print(title, style="bold")
        for line in lines:
            console.print(f"  {line}")


def _counts(standing: Standing) -> Iterator[str]:
    over = standing.complete + standing.pruned + standing.failed
    of = "" if standing.trials is None else f"/{standing.trials}"
    counts = f"{standing.complete} done, {standing.pruned} pruned, {standing.failed} failed"
    yield f"trials: {over}{of}: {counts}, {len(standing.running)} runs begun"
    if standing.best_trial is not None:
        values = [f"{metric_name(metric)} {metric_value(metric, value)}" for metric, value in standing.best.items()]
        yield f"best so far: trial {standing.best_trial}: {', '.join(values)} (one seed, not confirmed)"
    if standing.to_confirm:
        yield f"confirmation: {standing.confirmed} of at most {standing.to_confirm} runs"


def _ends(standing: Standing) -> Iterator[str]:
    if standing.visits_per_minute is not None and standing.drivers:
        left = "" if standing.seconds_left is None else f", about {clock(standing.seconds_left)} left"
        yield f"speed: {standing.visits_per_minute:.1f} visits a minute{left}"
    yield f"drivers: {', '.join(standing.drivers) or 'none at work'}"


def _failures(standing: Standing) -> list[str]:
    return [f"{name}: {reason}" for name, reason in standing.failures.items()]


def _mishaps(standing: Standing) -> list[str]:
    return [f"{name}: {mishap}" for name, mishaps in standing.mishaps.items() for mishap in mishaps]


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
    return visits, run.domain or "", miou, since, run.driver or NOBODY
