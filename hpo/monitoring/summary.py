"""Summary that a driver prints at its end."""

import math
import shlex
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.table import Table

from hpo.reporting.basis import objective_text
from hpo.reporting.budget import cures
from hpo.reporting.conclusion import best_run, conclusion, search_line
from hpo.reporting.feasibility import constraint_value
from hpo.reporting.source_models import repeats, source_model_rows
from hpo.reporting.wording import (
    interval,
    metric_title,
    metric_value,
    not_scored,
    points,
    tenths,
    title,
    unknown,
)
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
    if results.infeasible():
        console.print("", _constraints(results), sep="\n")
    if results.confirmed is not None:
        _print_confirmed(results, results.confirmed, console)
    console.print(answer.headline, style="bold")
    console.print(answer.detail)
    for sentence in cures(results.budget):
        console.print(sentence)
    _print_failures(results, console)
    for line in _notes(results):
        console.print(line, soft_wrap=True)
    places = (f"report      {out / 'report.html'}", f"all trials  {out / 'results.csv'}")
    console.print("", *places, sep="\n")
    if best is not None:
        console.print(f"best        {out / 'best'}")
        if not results.is_external:
            words = shlex.quote(str(out / "best" / "settings.yaml"))
            console.print(f"run it      {program('segada.adapt')} {words}")


def _print_confirmed(results: StudyResults, confirmation: Confirmation, console: Console) -> None:
    best = best_run(confirmation)
    runs = _runs(confirmation) if confirmation.is_scored else _by_objective(results, confirmation)
    console.print("", runs, "", sep="\n")
    if best is not None and confirmation.is_scored:
        console.print(_visits(confirmation, best), "", sep="\n")
    rows = list(source_model_rows(confirmation))
    if rows:
        console.print(_source_models(rows), "", sep="\n")


def _notes(results: StudyResults) -> Iterator[str]:
    if results.unscored:
        yield f"{not_scored(holds_out=results.holds_out)}: {', '.join(results.unscored)}"
    for trial in results.trials:
        # A complete trial has a reason if it came from outside, or does not count.
        if trial.state == "complete" and trial.reason:
            yield f"note: trial {trial.number}: {trial.reason}"
    for line in results.damages:
        yield f"damaged: {line}"


def _constraints(results: StudyResults) -> Table:
    """Returns the table of constraints that complete trials break."""
    infeasible = results.infeasible()
    more = f", of which {MOST_FAILURES} are shown" if len(infeasible) > MOST_FAILURES else ""
    table = _table(f"Complete trials that break a constraint: {len(infeasible)}{more}")
    for column in ("", "constraint", "value", "broken by"):
        table.add_column(column, justify="right" if column in ("value", "broken by") else "left")
    for trial in infeasible[:MOST_FAILURES]:
        for result in trial.constraints:
            if not result.is_kept:
                by = "" if result.excess is None else f"{result.excess:.3g}"
                table.add_row(f"trial {trial.number}", result.text, constraint_value(result), by)
    return table


def _runs(confirmation: Confirmation) -> Table:
    """Returns the table of confirmed runs over the whole stream."""
    table = _table(
        f"Confirmed: mean mIoU and gains with {100 * confirmation.confidence:.0f} % intervals, {repeats(confirmation)}"
    )
    baselines = list(confirmation.runs[0].gain)
    for column in ["", "mean mIoU, %", *(f"points over {title(name)}" for name in baselines)]:
        table.add_column(column, justify="right" if column else "left")
    others = [metric for metric in _objectives(confirmation) if metric != "mean_miou"]
    for metric in others:
        table.add_column(metric_title(metric), justify="right")
    for run in confirmation.runs:
        gains = ["" if name == run.name else points(run.gain[name]) for name in baselines]
        is_best = run.name == confirmation.best
        name = f"{title(run.name)} (best)" if is_best else title(run.name)
        miou = f"{tenths(run.scored_miou.value)} ({interval(run.scored_miou)})"
        values = [metric_value(metric, run.objectives[metric]) if metric in run.objectives else "" for metric in others]
        table.add_row(name, miou, *gains, *values, style="bold" if is_best else None)
    return table


def _by_objective(results: StudyResults, confirmation: Confirmation) -> Table:
    """Returns the table of confirmed runs of a study of which no visited domain has labels: their objectives."""
    table = _table(f"Confirmed: objectives, {repeats(confirmation)} ({unknown(holds_out=results.holds_out)})")
    table.add_column("")
    first, *others = results.objectives
    for metric in results.objectives:
        table.add_column(metric_title(metric), justify="right")
    for run in confirmation.runs:
        values = [metric_value(metric, run.objectives.get(metric, math.nan)) for metric in others]
        is_best = run.name == confirmation.best
        name = f"{title(run.name)} (best)" if is_best else title(run.name)
        table.add_row(name, objective_text(first, run), *values, style="bold" if is_best else None)
    return table


def _objectives(confirmation: Confirmation) -> list[str]:
    """Returns the objectives that any run defines, in the order of the study; none with a single objective."""
    return list(dict.fromkeys(metric for run in confirmation.runs for metric in run.objectives))


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


def _source_models(rows: Sequence[Sequence[str]]) -> Table:
    """Returns the table of results by source model; gains are within a source model."""
    table = _table("By source model: mean mIoU in %, and gains of the best in points")
    for column in rows[0]:
        table.add_column(column, justify="right" if table.columns else "left")
    for row in rows[1:]:
        table.add_row(*row)
    return table


def _table(caption: str) -> Table:
    # A table without lines reads the same in a file as in a terminal.
    return Table(title=caption, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))


def _print_failures(results: StudyResults, console: Console) -> None:
    reasons = results.failed()
    if reasons:
        console.print("Failures:", style="bold")
    for name, reason in islice(reasons.items(), MOST_FAILURES):
        console.print(f"  {title(name)}: {reason}")
    if len(reasons) > MOST_FAILURES:
        console.print(f"  and {len(reasons) - MOST_FAILURES} more, in results.csv and failures.json")
