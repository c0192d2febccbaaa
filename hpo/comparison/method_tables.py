"""A comparison of methods at fixed settings for people and programs: a table, its sentences, and CSV."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from rich.table import Table

from hpo.comparison.method_statistics import MethodResult, Spread
from hpo.config.objectives import ADAPTATION_SPEED, ONLINE_MIOU
from hpo.reporting.wording import tenths
from segada.core.spreadsheet import csv_of
from segada.records import RunReport, visit_labels


@dataclass(frozen=True, slots=True)
class MethodComparison:
    """Everything that is shown of a comparison of methods.

    Attributes:
        name: Name of the comparison.
        visits: Domains of the stream, in order.
        results: A row per method of which a run finished, in the order of the file.
        lost: Reasons why no run of a method finished, by name and seed.
        remarks: Sentences on how it was measured.
    """

    name: str
    visits: tuple[str, ...]
    results: Sequence[MethodResult]
    lost: Mapping[str, Mapping[int, str]]
    remarks: Sequence[str]


def seeds_table(comparison: MethodComparison) -> Table:
    """Returns the table for a terminal."""
    table = Table(title=_title(comparison))
    for place, column in enumerate(_columns(comparison)):
        table.add_column(column, justify="right" if place else "left", no_wrap=column in ("method", "frames/s"))
    for row in _rows(comparison):
        table.add_row(*row)
    return table


def markdown(comparison: MethodComparison) -> str:
    """Returns the table, its sentences, and how it was measured, as Markdown."""
    columns = _columns(comparison)
    lines = [
        f"**{_title(comparison)}**",
        "",
        *(f"| {' | '.join(row)} |" for row in (columns, ["---", *["---:"] * (len(columns) - 1)], *_rows(comparison))),
        "",
        *(f"- {sentence}" for sentence in remarks_on_results(comparison)),
        "",
        *(f"{remark}\n" for remark in comparison.remarks),
    ]
    return "\n".join(lines).rstrip() + "\n"


def remarks_on_results(comparison: MethodComparison) -> list[str]:
    """Returns sentences: which methods lose against the source model and where, which have the same numbers, and which
    runs did not finish."""
    names = visit_labels(comparison.visits)
    sentences = [sentence for result in comparison.results for sentence in _losses(result, names)]
    is_scored = any(not math.isnan(result.mean_miou.mean) for result in comparison.results)
    if not sentences and is_scored:
        sentences.append("No method loses against source-only on any visit.")
    sentences += _alike(comparison.results)
    failures = {result.name: result.failures for result in comparison.results} | dict(comparison.lost)
    return sentences + [sentence for name, reasons in failures.items() for sentence in _unfinished(name, reasons)]


def _alike(results: Sequence[MethodResult]) -> list[str]:
    """Returns a sentence for each method that has the numbers of one before it."""
    sentences = []
    for place, result in enumerate(results):
        same = next((one.name for one in results[:place] if _numbers_of(one) == _numbers_of(result)), None)
        if same is not None:
            sentences.append(f"`{result.name}` has the same mIoU as `{same}` after every visit.")
    return sentences


def _numbers_of(result: MethodResult) -> tuple[object, ...]:
    return result.seeds, *(each.mean for each in result.miou)


def summary_csv(comparison: MethodComparison) -> str:
    """Returns CSV with a row per method: mean and standard deviation of everything, fractions in [0, 1]."""
    names = visit_labels(comparison.visits)
    rows = [dict(_numbers(result, names)) for result in comparison.results]
    return csv_of(rows)


def runs_csv(runs: Sequence[tuple[str, RunReport]], visits: Sequence[str]) -> str:
    """Returns CSV with a row per run, fractions in [0, 1].

    Args:
        runs: Names of methods, and reports.
        visits: Domains of the stream, in order.
    """
    rows: list[dict[str, object]] = []
    for method, report in runs:
        miou = {
            f"miou/{name}": record.miou.get(record.domain)
            for name, record in zip(visit_labels(visits), report.visits, strict=True)
        }
        facts = {"method": method, **report.model_dump(mode="json", exclude={"visits", "source_only"}), **miou}
        rows.append(facts | {f"source_only/{domain}": value for domain, value in report.source_only.items()})
    return csv_of(rows)


def _title(comparison: MethodComparison) -> str:
    return f"{comparison.name}: mIoU in percent, mean ± standard deviation over seeds; gain over source-only"


def _columns(comparison: MethodComparison) -> list[str]:
    over = ["over batch norm"] if _has_batch_norm(comparison) else []
    online = [head for head, _ in _ONLINE] if _has_online(comparison) else []
    return ["method", *visit_labels(comparison.visits), "mean", "gain", *over, *online, "frames/s"]


def _has_batch_norm(comparison: MethodComparison) -> bool:
    return any(result.over_batch_norm is not None for result in comparison.results)


_ONLINE: Final[Sequence[tuple[str, Callable[[MethodResult], Spread | None]]]] = (
    ("online", lambda result: result.online_miou),
    ("speed", lambda result: result.adaptation_speed),
)
"""Columns of the frames that are adapted on: head and value."""


def _has_online(comparison: MethodComparison) -> bool:
    return any(result.online_miou is not None for result in comparison.results)


def _rows(comparison: MethodComparison) -> Iterator[list[str]]:
    for result in comparison.results:
        over = "" if result.over_batch_norm is None else _percent(result.over_batch_norm, "+")
        yield [
            result.name,
            *(_percent(each) for each in result.miou),
            _percent(result.mean_miou),
            _percent(result.mean_gain, "+"),
            *([over] if _has_batch_norm(comparison) else []),
            *([_optional(value(result)) for _, value in _ONLINE] if _has_online(comparison) else []),
            f"{result.frames_per_second:.0f}" if result.frames_per_second >= 10 else f"{result.frames_per_second:.1f}",
        ]
    for name in comparison.lost:
        yield [name, *["-"] * (len(_columns(comparison)) - 1)]


def _optional(number: Spread | None) -> str:
    return "" if number is None else _percent(number)


def _percent(number: Spread, sign: Literal["+", "-"] = "-") -> str:
    deviation = "" if math.isnan(number.deviation) else f" ±{tenths(number.deviation)}"
    return f"{tenths(number.mean, sign)}{deviation}"


def _losses(result: MethodResult, names: Sequence[str]) -> Iterator[str]:
    losing = [(gain, name) for gain, name in zip(result.gains, names, strict=True) if gain.mean < 0]
    where = ", ".join(f"{name} ({_percent(gain, '+')})" for gain, name in losing)
    if result.mean_gain.mean < 0:
        within = " - less than the spread over seeds" if -result.mean_gain.mean < result.mean_gain.deviation else ""
        yield (
            f"`{result.name}` loses against source-only: {_percent(result.mean_gain, '+')} points in the mean over "
            f"visits{within}; it loses on {where}."
        )
    elif losing:
        yield f"`{result.name}` gains in the mean over visits, but loses against source-only on {where}."


def _unfinished(name: str, reasons: Mapping[int, str]) -> Iterator[str]:
    for reason in dict.fromkeys(reasons.values()):
        seeds = [str(seed) for seed, given in reasons.items() if given == reason]
        which = f"seed{'s' if len(seeds) > 1 else ''} {', '.join(seeds)}"
        yield f"`{name}` did not finish with {which}, which its numbers leave out: {reason}."


def _numbers(result: MethodResult, names: Sequence[str]) -> Iterator[tuple[str, object]]:
    yield from (("method", result.name), ("seeds", len(result.seeds)))
    spreads = {
        **{f"miou/{name}": each for name, each in zip(names, result.miou, strict=True)},
        "mean_miou": result.mean_miou,
        "gain": result.mean_gain,
        **{f"gain/{name}": each for name, each in zip(names, result.gains, strict=True)},
        "forgetting": result.forgetting,
    }
    if result.over_batch_norm is not None:
        spreads["gain_over_batch_norm"] = result.over_batch_norm
    online = {ONLINE_MIOU: result.online_miou, ADAPTATION_SPEED: result.adaptation_speed}
    spreads |= {name: each for name, each in online.items() if each is not None}
    for name, each in spreads.items():
        yield f"{name} mean", "" if math.isnan(each.mean) else each.mean
        yield f"{name} deviation", "" if math.isnan(each.deviation) else each.deviation
    yield "frames_per_second", result.frames_per_second
    yield "trainable_parameters", result.trainable_parameters
