"""What the main job prints at its end."""

from pathlib import Path

from rich.console import Console
from rich.table import Table

from hpo.confirm import Confirmation, Confirmed, Estimate
from hpo.reporting.verdict import best_run, tenths, title, verdict
from hpo.results import StudyResults


def print_summary(results: StudyResults, out: Path, console: Console) -> None:
    """The confirmed table, the answer, what failed, where things are, and the command that runs the winner."""
    answer = verdict(results)
    console.print()
    if results.confirmation is not None:
        console.print(_table(results.confirmation, results.labels))
    console.print(answer.headline, style="bold")
    console.print(answer.detail, highlight=False)
    _print_failures(results, console)
    console.print(f"\nreport      {out / 'report.html'}\nall trials  {out / 'results.csv'}", highlight=False)
    if best_run(results.confirmation) is not None:
        console.print(f"best        {out / 'best'}", highlight=False)
        console.print(f"run it      python -m segada.adapt {out / 'best' / 'settings.yaml'}", highlight=False)


def _table(confirmation: Confirmation, labels: list[str]) -> Table:
    seeds = len(confirmation.runs[0].seeds)
    table = Table(title=f"mIoU in percent with {100 * confirmation.confidence:.0f} % intervals, {seeds} fresh seed(s)")
    table.add_column("")
    gains = list(confirmation.runs[0].gain)
    for column in [*labels, "mean", *(f"gain over\n{title(name)}" for name in gains)]:
        table.add_column(column, justify="right")
    for run in confirmation.runs:
        table.add_row(*_cells(run, gains), style="bold" if run.name == confirmation.best else None)
    return table


def _cells(run: Confirmed, gains: list[str]) -> list[str]:
    own = [_cell(estimate) for estimate in [*run.miou.values(), run.mean_miou]]
    return [title(run.name), *own, *("" if name == run.name else _cell(run.gain[name]) for name in gains)]


def _cell(estimate: Estimate) -> str:
    return f"{tenths(estimate.value)}\n{tenths(estimate.low)} to {tenths(estimate.high)}"


def _print_failures(results: StudyResults, console: Console) -> None:
    failed = [trial for trial in results.trials if trial.state == "fail"]
    if not failed:
        return
    console.print(f"{len(failed)} of {len(results.trials)} trials failed:", style="bold")
    for trial in failed:
        console.print(f"  trial {trial.number}: {trial.reason}", highlight=False)
