"""Tables of the report, as HTML."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from hpo.reporting.basis import objective_text
from hpo.reporting.conclusion import best_run
from hpo.reporting.feasibility import constraint_value, violation
from hpo.reporting.markup import escape
from hpo.reporting.parameter_names import short_names
from hpo.reporting.source_models import repeats
from hpo.reporting.wording import interval, metric_title, metric_value, tenths, title
from hpo.results.confirmation import Confirmed, Estimate
from hpo.results.digest import Report
from hpo.results.feasibility import ConstraintResult
from hpo.results.results import StudyResults, TrialResult
from segada.records import RunReport
from segada.settings.nested import Value

FULL_COLOR = 0.10
"""Gain in mIoU at which a cell has its full color."""

SHOWN_TRIALS = 8
MOST_ROWS = 500
"""Maximum number of rows in a table with a row per trial."""


@dataclass(frozen=True)
class _Row:
    name: str
    values: Sequence[float]
    gains: Sequence[float | None]
    """Gains over source-only on the same frames, which color the cells; None leaves a cell white."""
    intervals: Sequence[str]
    best: bool = False
    signed: bool = False
    """True if the values are differences."""


def per_domain(results: StudyResults) -> str:
    """Returns the heat map: mIoU on the visited domain, colored by its difference to source-only on the same frames."""
    head = "".join(f"<th>{escape(label)}</th>" for label in [*results.labels, "mean"])
    groups = [_confirmed_group(results), _gains_group(results), _search_group(results)]
    width = len(results.labels) + 2
    body = "".join(_group(caption, rows, width) for caption, rows in groups if rows)
    return f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def by_objective(results: StudyResults) -> str:
    """Returns the objectives of all confirmed runs, for a study of which no visited domain has labels; empty before the
    confirmation.
    """
    if results.confirmed is None:
        return ""
    first, *others = results.objectives
    head = "".join(f"<th>{escape(metric_title(metric))}</th>" for metric in results.objectives)
    rows = []
    for run in results.confirmed.runs:
        values = [metric_value(metric, run.objectives.get(metric, math.nan)) for metric in others]
        cells = "".join(f"<td>{escape(text)}</td>" for text in (objective_text(first, run), *values))
        is_best = run.name == results.confirmed.best
        rows.append(f'<tr class="{"best" if is_best else ""}"><td>{escape(title(run.name))}</td>{cells}</tr>')
    return f'<table class="pairs"><thead><tr><th></th>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def _confirmed_group(results: StudyResults) -> tuple[str, list[_Row]]:
    confirmation = results.confirmed
    if confirmation is None:
        return "", []
    best = best_run(confirmation)
    caption = (
        f"Confirmed: mIoU in % on frames that the search did not use, {repeats(confirmation)}, "
        f"{100 * confirmation.confidence:.0f} % intervals"
    )
    reference = next(iter(results.references), "")
    return caption, [_confirmed_row(run, results.labels, run is best, reference) for run in confirmation.runs]


def _confirmed_row(run: Confirmed, labels: Sequence[str], best: bool, reference: str) -> _Row:
    values, intervals = _cells(run.miou, run.mean_miou, labels)
    return _Row(title(run.name), values, _over(reference, run, labels), intervals, best)


def _cells(
    by_visit: Mapping[str, Estimate], mean: Estimate | None, labels: Sequence[str]
) -> tuple[list[float], list[str]]:
    """Returns the values and intervals of a row; NaN for visits that are not scored."""
    estimates = [*(by_visit.get(label) for label in labels), mean]
    values = [math.nan if one is None else one.value for one in estimates]
    return values, ["" if one is None else interval(one) for one in estimates]


def _over(reference: str, run: Confirmed, labels: Sequence[str]) -> Sequence[float | None]:
    if reference not in run.gain:
        return [None] * (len(labels) + 1)
    return _cells(run.miou_gain[reference], run.gain[reference], labels)[0]


def _gains_group(results: StudyResults) -> tuple[str, list[_Row]]:
    best = best_run(results.confirmed)
    if best is None:
        return "", []
    rows = []
    for name, mean in best.gain.items():
        values, intervals = _cells(best.miou_gain[name], mean, results.labels)
        rows.append(_Row(f"over {title(name)}", values, values, intervals, signed=True))
    return f"Gains of {title(best.name)} in points, frames and seeds paired", rows


def _search_group(results: StudyResults) -> tuple[str, list[_Row]]:
    rows = [_report_row(title(name), report) for name, report in results.baselines.items()]
    rows += [
        _trial_in_search(trial, trial.report)
        for trial in results.completed()[:SHOWN_TRIALS]
        if trial.report is not None
    ]
    return (
        "Search: mIoU in % on the frames of the search (split val), one seed. For selection, not for publication",
        rows,
    )


def _report_row(name: str, report: RunReport) -> _Row:
    values = [*(visit.visited_miou for visit in report.visits), report.mean_miou]
    gains = [visit.visited_miou - report.source_only.get(visit.domain, math.nan) for visit in report.visits]
    return _Row(name, values, [*gains, report.gain], [""] * len(values))


def _trial_in_search(trial: TrialResult, report: Report) -> _Row:
    values = [*trial.visits.miou, report.mean_miou]
    name = f"trial {trial.number}{'' if trial.is_feasible else ', breaks a constraint'}"
    return _Row(name, values, [*report.gains, report.gain], [""] * len(values))


def _group(caption: str, rows: Sequence[_Row], width: int) -> str:
    lines = [f'<tr class="group"><td colspan="{width}">{escape(caption)}</td></tr>']
    for row in rows:
        cells = "".join(
            heat(tenths(value, "+" if row.signed else "-"), gain, interval)
            for value, gain, interval in zip(row.values, row.gains, row.intervals, strict=True)
        )
        lines.append(f'<tr class="{"best" if row.best else ""}"><td>{escape(row.name)}</td>{cells}</tr>')
    return "".join(lines)


def heat(value: str, gain: float | None, interval: str) -> str:
    """Returns a cell that is bluer for a greater gain and more orange for a greater loss; white for None and NaN."""
    note = f"<small>{interval}</small>" if interval else ""
    if gain is None or math.isnan(gain):
        return f'<td class="heat">{value}{note}</td>'
    strength = min(abs(gain) / FULL_COLOR, 1.0) * 0.55
    color = f"rgba(31, 95, 168, {strength:.3f})" if gain >= 0 else f"rgba(209, 84, 30, {strength:.3f})"
    return f'<td class="heat" style="background:{color}" title="{tenths(gain, "+")} points">{value}{note}</td>'


def trials(results: StudyResults) -> str:
    """Returns the table of trials, limited to the best `MOST_ROWS`; a click on a column's head sorts it."""
    parameters = sorted({name for trial in results.trials for name in trial.parameters})
    objectives = [metric_title(metric) for metric in results.objectives]
    shortened = short_names(parameters)
    names = ["trial", "state", *objectives, *results.limits, "gain, points", "visits", *shortened.values(), "seconds"]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    rows = results.trials if len(results.trials) <= MOST_ROWS else _first_rows(results)
    body = "".join(_trial_row(trial, parameters, results) for trial in rows)
    return (
        f'<div class="scroll"><table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _first_rows(results: StudyResults) -> list[TrialResult]:
    """Returns completed trials that count, best first, then the others, up to `MOST_ROWS`."""
    others = [trial for trial in results.trials if trial.state != "complete" or trial.left_out]
    return [*results.completed(), *others][:MOST_ROWS]


def _trial_row(trial: TrialResult, parameters: Sequence[str], results: StudyResults) -> str:
    # A complete trial has a reason if it came from outside, or does not count.
    note = f"<small>{escape(trial.reason)}</small>" if trial.state == "complete" and trial.reason else ""
    cells = [
        _cell(trial.number),
        f'<td data-value="{trial.state}"><span class="state {trial.state}">{trial.state}</span>{note}</td>',
    ]
    # Only completed trials have values.
    values = trial.values or [None] * len(results.objectives)
    cells += [_metric_cell(*pair) for pair in zip(results.objectives, values, strict=True)]
    cells += map(_constraint_cell, trial.constraints or [None] * len(results.limits))
    cells += [_metric_cell("gain", trial.gain), _cell(len(trial.visits.miou))]
    cells += [_cell(trial.parameters.get(name)) for name in parameters]
    cells.append(_cell(round(trial.seconds, 1)))
    return f"<tr>{''.join(cells)}</tr>"


def _constraint_cell(result: ConstraintResult | None) -> str:
    if result is None:
        return "<td></td>"
    key = "" if result.excess is None or math.isinf(result.excess) else result.excess
    note = "" if result.is_kept else f"<small>{escape(violation(result))}</small>"
    return f'<td data-value="{key}">{escape(constraint_value(result))}{note}</td>'


def front(results: StudyResults) -> str:
    """Returns the table of the Pareto front: objectives in the search and confirmed, and parameters."""
    on_front = [trial for trial in results.completed() if trial.number in results.front][:MOST_ROWS]
    parameters = sorted({name for trial in on_front for name in trial.parameters})
    runs = () if results.confirmed is None else results.confirmed.runs
    confirmed = {run.trial: run.objectives for run in runs if run.trial is not None}
    titles = [metric_title(metric) for metric in results.objectives]
    names = ["trial", *titles, *(f"{one}, confirmed" for one in titles), *short_names(parameters).values()]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(_front_row(trial, parameters, results.objectives, confirmed) for trial in on_front)
    return (
        f'<div class="scroll"><table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _front_row(
    trial: TrialResult,
    parameters: Sequence[str],
    objectives: Sequence[str],
    confirmed: Mapping[int, Mapping[str, float]],
) -> str:
    again = confirmed.get(trial.number, {})
    cells = [_cell(trial.number), *map(_metric_cell, objectives, trial.values)]
    cells += [_metric_cell(metric, again.get(metric)) for metric in objectives]
    cells += [_cell(trial.parameters.get(name)) for name in parameters]
    return f'<tr class="{"best" if again else ""}">{"".join(cells)}</tr>'


def failures(results: StudyResults) -> str:
    """Returns the table of failed runs with their reasons; empty if none failed."""
    failed = results.failed()
    if not failed:
        return ""
    rows = "".join(
        f'<tr><td>{escape(title(name))}</td><td class="wrap">{escape(reason)}</td></tr>'
        for name, reason in islice(failed.items(), MOST_ROWS)
    )
    return f'<table><thead><tr><th>run</th><th class="text">reason</th></tr></thead><tbody>{rows}</tbody></table>'


def cut(rows: int, where: str) -> str:
    """Returns a sentence that a table is incomplete and where all rows are; empty if it is complete."""
    return f" {MOST_ROWS} of {rows} are shown: {where}." if rows > MOST_ROWS else ""


def pairs(values: Mapping[str, Value]) -> str:
    """Returns a table of two columns."""
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(shown(value))}</td></tr>" for name, value in values.items())
    return f'<table class="pairs"><tbody>{rows}</tbody></table>'


def _metric_cell(metric: str, value: float | None) -> str:
    text = "" if value is None else metric_value(metric, value)
    return f'<td data-value="{"" if value is None else value}">{text}</td>'


def _cell(value: Value) -> str:
    key = "" if value is None else escape(str(value))
    return f'<td data-value="{key}">{escape(shown(value))}</td>'


def shown(value: Value) -> str:
    """Returns a value as text: four significant digits, and an empty text for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(shown, value)) if isinstance(value, list) else str(value)
