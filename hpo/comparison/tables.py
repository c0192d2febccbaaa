"""The tables of a comparison: for a terminal, and comparison.csv."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from rich.table import Table

from hpo.comparison.results import Comparison, Method
from hpo.comparison.wording import letters
from hpo.config.objectives import PREQUENTIAL
from hpo.reporting.wording import clock, counted, interval, metric_title, points, tenths, title
from hpo.results.confirmation import Confirmed, Estimate
from segada.core.spreadsheet import csv_of
from segada.settings.nested import Value

WORDS: Final = ("method", "group", "source frames")
"""Columns of words, which begin at the left."""


@dataclass(frozen=True)
class Column:
    """A column of the table: its head, and a cell's text and the value to sort by."""

    head: str
    cell: Callable[[Method], tuple[str, float | str]]


def columns(comparison: Comparison) -> list[Column]:
    """Columns of the table for people."""
    ranking = comparison.ranking
    found = [Column("method", lambda one: (one.name, one.name))]
    if ranking is not None:
        groups = letters(ranking)
        found += [
            Column("rank", lambda one: (f"{ranking.mean_ranks[one.name]:.2f}", ranking.mean_ranks[one.name])),
            Column("group", lambda one: (groups[one.name], groups[one.name])),
        ]
    found += [
        Column("mean mIoU, %", lambda one: _share(one.confirmed.scored_miou)),
        Column("worst domain, %", _worst),
        *(_gain(row.name) for row in comparison.references),
        *(_online(metric) for metric in _online_metrics(comparison)),
        Column("trials", lambda one: (str(one.trials), one.trials)),
        Column("frames", lambda one: (f"{one.frames:,}", one.frames)),
        Column("search", lambda one: (clock(one.search_seconds), one.search_seconds)),
        Column("frames/s", lambda one: (f"{one.frames_per_second:.3g}", one.frames_per_second)),
        Column("learns", lambda one: (f"{one.trainable_parameters:,}", one.trainable_parameters)),
        *_source_frames(comparison),
    ]
    return found


def rich_table(comparison: Comparison) -> Table:
    """For a terminal, best rank first."""
    seeds = len(comparison.seeds)
    caption = (
        f"{comparison.name}: winners with {100 * comparison.confidence:.0f} % intervals, "
        f"{counted(seeds, 'fresh seed')}; gains in points"
    )
    # Without lines: it reads the same in a file as in a terminal.
    table = Table(title=caption, title_justify="left", title_style="bold", box=None, padding=(0, 2, 0, 0))
    shown = columns(comparison)
    for column in shown:
        table.add_column(column.head, justify="left" if column.head in WORDS else "right")
    for method in comparison.methods:
        table.add_row(*(column.cell(method)[0] for column in shown))
    for name in comparison.failures:
        table.add_row(name, "failed")
    return table


def methods_csv(comparison: Comparison) -> str:
    """A row per method, fractions in [0, 1]; then the references, and the methods that failed, with the reason."""
    rows: list[dict[str, Value]] = [_numbers(method, comparison) for method in comparison.methods]
    own = {row["method"] for row in rows}
    rows += [{"method": row.name, **_estimates(row)} for row in comparison.references if row.name not in own]
    rows += [{"method": name, "failure": reason} for name, reason in comparison.failures.items()]
    return csv_of(rows)


def _source_frames(comparison: Comparison) -> list[Column]:
    known = any(method.source_frames for method in comparison.methods)
    return [Column("source frames", lambda one: (one.source_frames, one.source_frames))] if known else []


def _numbers(method: Method, comparison: Comparison) -> dict[str, Value]:
    ranking = comparison.ranking
    ranks: dict[str, Value] = {}
    if ranking is not None:
        ranks = {"mean_rank": ranking.mean_ranks[method.name], "group": letters(ranking)[method.name]}
    return {
        "method": method.name,
        **ranks,
        **_estimates(method.confirmed),
        "worst_domain": method.worst,
        "trials": method.trials,
        "frames": method.frames,
        "search_seconds": method.search_seconds,
        "frames_per_second": method.frames_per_second,
        "trainable_parameters": method.trainable_parameters,
        "source_frames": method.source_frames,
        "winner": method.trial,
        **{f"settings/{path}": value for path, value in method.settings.items()},
    }


def _estimates(row: Confirmed) -> dict[str, Value]:
    estimates = {
        "mean_miou": row.scored_miou,
        **{f"miou/{label}": one for label, one in row.miou.items()},
        **{f"gain/{name}": one for name, one in row.gain.items()},
        **({} if row.online is None else {name: found.mean for name, found in row.online.metrics.items()}),
    }
    return {
        f"{name}{end}": value
        for name, one in estimates.items()
        for end, value in (("", one.value), (" low", one.low), (" high", one.high))
    }


def _online_metrics(comparison: Comparison) -> Sequence[str]:
    """Returns the metrics of the frames adapted on that all methods have."""
    known = all(method.confirmed.online is not None for method in comparison.methods)
    return PREQUENTIAL if known else ()


def _online(metric: str) -> Column:
    def cell(method: Method) -> tuple[str, float]:
        assert method.confirmed.online is not None
        return _share(method.confirmed.online.metrics[metric].mean)

    return Column(metric_title(metric), cell)


def _share(estimate: Estimate) -> tuple[str, float]:
    return f"{tenths(estimate.value)} ({interval(estimate)})", estimate.value


def _worst(method: Method) -> tuple[str, float]:
    text, value = _share(method.confirmed.miou[method.worst])
    return f"{method.worst}: {text}", value


def _gain(name: str) -> Column:
    def cell(method: Method) -> tuple[str, float]:
        gain = method.confirmed.gain[name]
        return points(gain), gain.value

    return Column(f"over {title(name)}", cell)
