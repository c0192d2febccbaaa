"""Summary that a driver prints at its end."""

import shlex
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hpo.reporting.conclusion import best_run, conclusion, search_line
from hpo.reporting.wording import interval, points, tenths, title
from hpo.results.confirmation import Confirmation, Confirmed
from hpo.results.results import StudyResults
from hpo.study.names import DEFAULT
from segada.cli.interruption import program

MOST_FAILURES = 50
"""Maximum number of printed failures; the files have all."""


def print_summary(results: StudyResults, out: Path, console: Console) -> None:
    """Prints the search in a line, confirmed tables, conclusion, failures, damages, and the command that runs the
    winner.
    """
    answer = conclusion(results)
    best = best_run(results.confirmed)
    console.print("", f"search: {search_line(results)}", sep="\n")
    if results.confirmed is not None:
        console.print("", _runs(results.confirmed), "", sep="\n")
        if best is not None:
            console.print(_visits(results.confirmed, best), "", sep="\n")
    console.print(answer.headline, style="bold")
    console.print(answer.detail)
    _print_failures(results, console)
    for trial in results.trials:
        # A complete trial has a reason if it came from outside, or does not count.
        if trial.state == "complete" and trial.reason:
            console.print(f"note: trial {trial.number}: {trial.reason}", soft_wrap=True)
    for line in results.damages:
        console.print(f"damaged: {line}", soft_wrap=True)
    places = (f"report      {out / 'report.html'}", f"all trials  {out / 'results.csv'}")
    console.print("", *places, sep="\n")
    if best is not None:
        console.print(f"best        {out / 'best'}")
        words = shlex.quote(str(out / "best" / "settings.yaml"))
        console.print(f"run it      {program('segada.adapt')} {words}")


def _runs(confirmation: Confirmation) -> Table:
    """Returns the table of confirmed runs over the whole stream."""
    seeds = len(confirmation.runs[0].seeds)
    table = _table(
        f"Confirmed: mean mIoU and gains with {100 * confirmation.confidence:.0f} % intervals, "
        f"{seeds} fresh seed{'s' if seeds > 1 else ''}"
    )
    baselines = list(confirmation.runs[0].gain)
    for column in ["", "mean mIoU, %", *(f"points over {title(name)}" for name in baselines)]:
        table.add_column(column, justify="right" if column else "left")
    for run in confirmation.runs:
        gains = ["" if name == run.name else points(run.gain[name]) for name in baselines]
        is_best = run.name == confirmation.best
        name = f"{title(run.name)} (best)" if is_best else title(run.name)
        miou = f"{tenths(run.mean_miou.value)} ({interval(run.mean_miou)})"
        table.add_row(name, miou, *gains, style="bold" if is_best else None)
    return table


def _visits(confirmation: Confirmation, best: Confirmed) -> Table:
    """Returns the table of the best configuration by visit."""
    table = _table(f"{title(best.name).capitalize()} by domain: mIoU in % on the visited domain")
    # The default configuration is in the report; here the table would be too wide for a terminal.
    compared = [name for name in best.gain if name != DEFAULT]
    shown = [*(run for run in confirmation.runs if run.name in compared), best]
    table.add_column("")
    for column in [*(title(run.name) for run in shown), *(f"points over {title(name)}" for name in compared)]:
        table.add_column(column, justify="right")
    for label in best.miou:
        values = [tenths(run.miou[label].value) for run in shown]
        table.add_row(label, *values, *(points(best.miou_gain[name][label]) for name in compared))
    return table


def _table(caption: str) -> Table:
    # A table without lines reads the same in a file as in a terminal.
    return Table(title=caption, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))


def _print_failures(results: StudyResults, console: Console) -> None:
    failed = [trial for trial in results.trials if trial.state == "fail"]
    if failed:
        console.print(f"{len(failed)} of {len(results.trials)} trials failed:", style="bold")
    elif results.failures:
        console.print("Failures:", style="bold")
    reasons = results.failed()
    for name, reason in islice(reasons.items(), MOST_FAILURES):
        console.print(f"  {title(name)}: {reason}")
    if len(reasons) > MOST_FAILURES:
        console.print(f"  and {len(reasons) - MOST_FAILURES} more, in results.csv and failures.json")
