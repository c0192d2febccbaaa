"""Interactive figures of the report."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from random import Random
from typing import cast

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from hpo.config.objectives import PREQUENTIAL, objective_value
from hpo.reporting.feasibility import violations
from hpo.reporting.markup import escape
from hpo.reporting.parameter_names import short_names
from hpo.reporting.tables import shown
from hpo.reporting.wording import in_unit, metric_title, metric_value, title
from hpo.results.results import StudyResults, TrialResult
from segada.settings.nested import Value

_BLUE, _ORANGE, _GRAY = "#1f5fa8", "#d1541e", "#8a939d"
_FONT = {"family": "Inter, Segoe UI, Helvetica Neue, Arial, sans-serif", "size": 12, "color": "#1b1f24"}
_COLUMNS = 3
MOST_POINTS = 500
"""Maximum number of trials in a figure; of more, a random sample is shown."""


def history(results: StudyResults, objective: int = 0) -> str:
    """Plots one objective of every completed trial by trial number, and the best so far."""
    done = sorted(results.completed(), key=lambda trial: trial.number)
    kept = [trial for trial in done if trial.is_feasible]
    steps = _steps([trial.number for trial in kept], _values(kept, results, objective), results.maximized[objective])
    figure, names = go.Figure(), short_names(_names(results.trials))
    for name, color, feasible in (("trial", _BLUE, True), ("trial that breaks a constraint", _GRAY, False)):
        trials = [trial for trial in drawn(done) if trial.is_feasible == feasible]
        numbers, values = [trial.number for trial in trials], _values(trials, results, objective)
        texts = [_hover(trial, results, objective, names) for trial in trials]
        if trials:
            figure.add_scatter(
                x=numbers, y=values, mode="markers", name=name, text=texts, hoverinfo="text", marker=_marker(color)
            )
    line = {"color": _ORANGE, "width": 1.6, "shape": "hv"}
    figure.add_scatter(
        x=list(steps), y=list(steps.values()), mode="lines", name="best so far", line=line, hoverinfo="skip"
    )
    _baseline_lines(figure, results, objective)
    figure.update_xaxes(title="trial")
    figure.update_yaxes(title=escape(metric_title(results.objectives[objective])))
    return _html(figure, 340)


def _steps(numbers: Sequence[int], values: Sequence[float], maximized: bool) -> dict[int, float]:
    """Returns the best value so far by trial, where it changes, and at the last trial; empty without trials."""
    if not numbers:
        return {}
    best = list(accumulate(values, max if maximized else min))
    changes = {
        number: value for number, value, before in zip(numbers, best, [None, *best], strict=False) if value != before
    }
    return changes | {numbers[-1]: best[-1]}


def drawn(trials: Sequence[TrialResult]) -> list[TrialResult]:
    """Returns the trials, or a fixed random sample of `MOST_POINTS`, in the given order."""
    if len(trials) <= MOST_POINTS:
        return list(trials)
    return [trials[index] for index in sorted(Random(0).sample(range(len(trials)), MOST_POINTS))]


def learning_curves(results: StudyResults) -> str:
    """Plots the prequential mIoU of the first frames of a visit, in the mean over visits and seeds, of the confirmed
    runs; empty if it is not known.
    """
    runs = () if results.confirmed is None else results.confirmed.runs
    known = [(run, run.online) for run in runs if run.online is not None]
    figure, colors = go.Figure(), (_GRAY, "#5b3f8c", "#2f8f5b", _BLUE)
    for place, (run, online) in enumerate(known):
        is_best = results.confirmed is not None and run.name == results.confirmed.best
        line = {"color": _ORANGE if is_best else colors[place % len(colors)], "width": 2.4 if is_best else 1.4}
        y = [100 * value for value in online.curve]
        figure.add_scatter(x=list(range(1, len(y) + 1)), y=y, mode="lines", name=escape(title(run.name)), line=line)
    if not known:
        return ""
    speed = max(online.speed_frames for _, online in known)
    note = {"text": "adaptation speed", "font": {"color": _GRAY, "size": 11}}
    figure.add_vrect(x0=1, x1=speed, fillcolor=_GRAY, opacity=0.08, line_width=0, annotation=note)
    figure.update_xaxes(title="frame of the visit")
    figure.update_yaxes(title="online mIoU so far, %")
    return _html(figure, 320)


def front(results: StudyResults) -> str:
    """Plots every further objective over the first: all completed trials, the Pareto front, what is confirmed."""
    confirmed = set() if results.confirmed is None else {run.trial for run in results.confirmed.runs}
    others = [trial for trial in drawn(results.completed()) if trial.number not in results.front]
    on_front = [trial for trial in results.completed() if trial.number in results.front]
    groups = (
        ("other trials", others, _marker(_GRAY)),
        ("Pareto front", [trial for trial in on_front if trial.number not in confirmed], _marker(_BLUE)),
        ("confirmed", [trial for trial in on_front if trial.number in confirmed], {**_marker(_ORANGE), "size": 12}),
    )
    names = short_names(_names(results.trials))
    count = len(results.objectives) - 1
    figure = make_subplots(count, 1, vertical_spacing=0.22 / count)
    for row in range(1, count + 1):
        for name, trials, marker in groups:
            texts = [f"{_hover(trial, results, 0, names)}<br>{_hover(trial, results, row, {})}" for trial in trials]
            x, y = _values(trials, results, 0), _values(trials, results, row)
            options = {"text": texts, "hoverinfo": "text", "marker": marker, "showlegend": row == 1}
            figure.add_trace(go.Scatter(x=x, y=y, mode="markers", name=name, **options), row, 1)
        figure.update_xaxes(title=escape(metric_title(results.objectives[0])), row=row, col=1)
        figure.update_yaxes(title=escape(metric_title(results.objectives[row])), row=row, col=1)
    return _html(figure, 380 * count)


def parameters(results: StudyResults, objective: int = 0) -> str:
    """Plots one objective over every varied parameter, one small plot each, in the range of the better trials."""
    trials = drawn(_ranked(results, objective))
    names = short_names(_names(results.trials))
    varied = [name for name in names if len({_axis(trial, name) for trial in trials}) > 1]
    if not varied:
        return ""
    rows = -(-len(varied) // _COLUMNS)
    figure = make_subplots(rows, _COLUMNS, horizontal_spacing=0.07, vertical_spacing=0.22 / rows, shared_yaxes=True)
    for index, name in enumerate(varied):
        row, column = divmod(index, _COLUMNS)
        shown_trials = [trial for trial in trials if name in trial.parameters]
        x = [_axis(trial, name) for trial in shown_trials]
        y = _values(shown_trials, results, objective)
        texts = [_hover(trial, results, objective, {name: names[name]}) for trial in shown_trials]
        scatter = go.Scatter(x=x, y=y, mode="markers", text=texts, hoverinfo="text", marker=_marker(_BLUE))
        figure.add_trace(scatter, row + 1, column + 1)
        # A choice may be text for some trials and a number for others.
        words = any(isinstance(value, str) for value in x)
        kind = "category" if words else "log" if _spans_decades(x) else "linear"
        ticks = {"dtick": 1, "exponentformat": "power"} if kind == "log" else {}
        figure.update_xaxes(title=escape(names[name]), type=kind, row=row + 1, col=column + 1, **ticks)
    figure.update_yaxes(title=escape(metric_title(results.objectives[objective])), col=1)
    figure.update_yaxes(range=_better_range(_values(trials, results, objective)))
    figure.update_layout(showlegend=False)
    return _html(figure, 250 * rows)


def _ranked(results: StudyResults, objective: int) -> list[TrialResult]:
    """Returns the completed trials, best first by one objective."""
    return sorted(results.completed(), key=lambda trial: trial.values[objective], reverse=results.maximized[objective])


def _better_range(ranked: Sequence[float]) -> list[float] | None:
    """Returns the range of the better three quarters with a margin, so that a few very bad trials do not hide
    the rest.
    """
    kept = ranked[: -(-3 * len(ranked) // 4)]
    margin = 0.25 * (max(kept) - min(kept))
    return [min(kept) - margin, max(kept) + margin] if margin else None


def _names(trials: Sequence[TrialResult]) -> list[str]:
    return sorted({name for trial in trials for name in trial.parameters})


def _axis(trial: TrialResult, name: str) -> float | str:
    value: Value = trial.parameters.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else shown(value)


def _spans_decades(values: Sequence[float | str]) -> bool:
    numbers = cast(Sequence[float], values)
    return min(numbers) > 0 and max(numbers) / min(numbers) > 30


def _baseline_lines(figure: go.Figure, results: StudyResults, objective: int) -> None:
    metric = results.objectives[objective]
    if metric not in ("mean_miou", *PREQUENTIAL):
        return
    for name, report in results.baselines.items():
        label = {"text": title(name), "font": {"color": _GRAY, "size": 11}, "yanchor": "top"}
        y = in_unit(metric, objective_value(metric, report))
        figure.add_hline(y=y, line={"color": _GRAY, "width": 1, "dash": "dot"}, annotation=label)


def _values(trials: Sequence[TrialResult], results: StudyResults, objective: int) -> list[float]:
    return [in_unit(results.objectives[objective], trial.values[objective]) for trial in trials]


def _hover(trial: TrialResult, results: StudyResults, objective: int, names: Mapping[str, str]) -> str:
    """Returns the text of a point, with the values of the parameters whose short names are given by path."""
    metric, value = results.objectives[objective], trial.values[objective]
    lines = [f"<b>trial {trial.number}</b>: {escape(metric_title(metric))} {metric_value(metric, value)}"]
    if not trial.is_feasible:
        lines.append(escape(violations(trial.constraints)))
    chosen = [path for path in names if path in trial.parameters]
    return "<br>".join(
        [*lines, *(f"{escape(names[path])} = {escape(shown(trial.parameters[path]))}" for path in chosen)]
    )


def _marker(color: str) -> dict[str, object]:
    return {"color": color, "size": 8, "opacity": 0.75, "line": {"color": "#fff", "width": 1}}


def _html(figure: go.Figure, height: int) -> str:
    figure.update_layout(
        template="plotly_white",
        font=_FONT,
        height=height,
        margin={"l": 60, "r": 16, "t": 28, "b": 48},
        legend={"orientation": "h", "y": 1.12, "x": 0},
        hoverlabel={"bgcolor": "#fff", "font": _FONT},
    )
    html: str = figure.to_html(full_html=False, include_plotlyjs=False, config={"displayModeBar": False})
    return html
