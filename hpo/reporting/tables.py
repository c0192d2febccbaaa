"""The tables of the report, as HTML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from hpo.confirm import Confirmed, Estimate
from hpo.reporting.verdict import best_run, tenths, title
from hpo.results import StudyResults, TrialResult, visited_miou
from segada.records import RunReport
from segada.settings.trees import Value

FULL_COLOUR = 0.10
"""Gain, in mIoU, at which a cell has its full colour."""

SHOWN_TRIALS = 8


@dataclass(frozen=True)
class _Row:
    name: str
    values: Sequence[float]
    intervals: Sequence[str]
    best: bool = False


def per_domain(results: StudyResults) -> str:
    """The heat map: mIoU on the visited domain, coloured by its difference to source-only on the same frames."""
    head = "".join(f"<th>{escape(label)}</th>" for label in [*results.labels, "mean"])
    groups = [_confirmed_group(results), _search_group(results)]
    width = len(results.labels) + 2
    body = "".join(_group(caption, rows, width) for caption, rows in groups if rows)
    return f'<div class="scroll"><table><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _confirmed_group(results: StudyResults) -> tuple[str, list[_Row]]:
    confirmation = results.confirmation
    if confirmation is None:
        return "", []
    best = best_run(confirmation)
    caption = (
        f"Confirmed: frames that the search never saw, {len(confirmation.runs[0].seeds)} fresh seed(s), "
        f"{100 * confirmation.confidence:.0f} % intervals"
    )
    return caption, [_confirmed_row(run, run is best) for run in confirmation.runs]


def _confirmed_row(run: Confirmed, best: bool) -> _Row:
    estimates = [*run.miou.values(), run.mean_miou]
    return _Row(title(run.name), [one.value for one in estimates], [_interval(one) for one in estimates], best)


def _search_group(results: StudyResults) -> tuple[str, list[_Row]]:
    rows = [_report_row(title(name), report) for name, report in results.baselines.items()]
    best = [(trial.number, trial.report) for trial in results.completed()[:SHOWN_TRIALS]]
    rows += [_report_row(f"trial {number}", report) for number, report in best if report is not None]
    return "Search: frames that the search chose by, one seed. To choose by, not to quote", rows


def _report_row(name: str, report: RunReport) -> _Row:
    values = [*visited_miou(report.visits), report.mean_miou]
    return _Row(name, values, [""] * len(values))


def _group(caption: str, rows: Sequence[_Row], width: int) -> str:
    reference = rows[0].values
    lines = [f'<tr class="group"><td colspan="{width}">{escape(caption)}</td></tr>']
    for row in rows:
        cells = "".join(
            _heat(value, value - other, interval)
            for value, other, interval in zip(row.values, reference, row.intervals, strict=True)
        )
        lines.append(f'<tr class="{"best" if row.best else ""}"><td>{escape(row.name)}</td>{cells}</tr>')
    return "".join(lines)


def _heat(value: float, gain: float, interval: str) -> str:
    strength = min(abs(gain) / FULL_COLOUR, 1.0) * 0.55
    colour = f"rgba(31, 95, 168, {strength:.3f})" if gain >= 0 else f"rgba(209, 84, 30, {strength:.3f})"
    note = f"<small>{interval}</small>" if interval else ""
    difference = tenths(gain, "+")
    return f'<td class="heat" style="background:{colour}" title="{difference}">{tenths(value)}{note}</td>'


def _interval(estimate: Estimate) -> str:
    return f"{tenths(estimate.low)} – {tenths(estimate.high)}"  # noqa: RUF001 - an en dash is how intervals are set


def trials(results: StudyResults) -> str:
    """Every trial; a click on a column's head sorts by it."""
    parameters = sorted({name for trial in results.trials for name in trial.parameters})
    names = ["trial", "state", *results.objectives, "gain", "visits", *map(short, parameters), "seconds"]
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(_trial_row(trial, parameters, len(results.objectives)) for trial in results.trials)
    return (
        f'<div class="scroll"><table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )


def _trial_row(trial: TrialResult, parameters: Sequence[str], objectives: int) -> str:
    values: list[Value] = [*trial.values, *[None] * (objectives - len(trial.values))]
    cells = [
        _cell(trial.number),
        f'<td data-value="{trial.state}"><span class="state {trial.state}">{trial.state}</span>',
    ]
    cells += [_cell(value) for value in (*values, trial.gain, len(trial.visits))]
    cells += [_cell(trial.parameters.get(name)) for name in parameters]
    cells.append(_cell(round(trial.seconds, 1)))
    return f"<tr>{''.join(cells)}</tr>"


def failures(results: StudyResults) -> str:
    """Trials that failed, with the reason of each; empty if none did."""
    failed = [trial for trial in results.trials if trial.state == "fail"]
    if not failed:
        return ""
    rows = "".join(f'<tr><td>{trial.number}</td><td class="wrap">{escape(trial.reason)}</td></tr>' for trial in failed)
    return f'<table><thead><tr><th>trial</th><th class="text">reason</th></tr></thead><tbody>{rows}</tbody></table>'


def pairs(values: Mapping[str, Value]) -> str:
    """A table of two columns."""
    rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(shown(value))}</td></tr>" for name, value in values.items())
    return f'<table class="pairs"><tbody>{rows}</tbody></table>'


def _cell(value: Value) -> str:
    key = "" if value is None else escape(str(value))
    return f'<td data-value="{key}">{escape(shown(value))}</td>'


def shown(value: Value) -> str:
    """A value as it is printed for people: four significant digits, and nothing for None."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(shown, value)) if isinstance(value, list) else str(value)


def short(path: str) -> str:
    """The part of a path that tells parameters apart in a crowded table: the last, or the room that has the `name`."""
    *rooms, last = path.split(".")
    return rooms[-1] if rooms and last == "name" else last
