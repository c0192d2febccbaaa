"""Results by source model, of a study with several."""

from collections.abc import Iterator

from hpo.reporting.markup import escape
from hpo.reporting.wording import counted, interval, listed, long_title, points, tenths, title
from hpo.results.confirmation import Confirmation, Confirmed, Estimate, SourceModelResults
from hpo.study.names import DEFAULT


def repeats(confirmation: Confirmation, *, fresh: str = "fresh seed") -> str:
    """Returns how often each configuration ran: `2 fresh seeds`, or `2 fresh seeds on each of 3 source models`."""
    seeds, models = counted(len(confirmation.runs[0].seeds), fresh), len(confirmation.source_models)
    return f"{seeds} on each of {models} source models" if models else seeds


def source_model_sentences(confirmation: Confirmation) -> list[str]:
    """Returns sentences with the best configuration's gain on each source model; none for a single source model."""
    if not confirmation.source_models or not confirmation.is_scored:
        return []
    found = [(one.name, _best(one, confirmation)) for one in confirmation.source_models]
    sentences = [
        f"By source model, over {long_title(name)}: {listed(_gains(found, name))}."
        for name in _compared(confirmation)
        if name != DEFAULT
    ]
    return [*sentences, f"Intervals over all count each of the {len(found)} source models once."]


def source_model_rows(confirmation: Confirmation) -> Iterator[list[str]]:
    """Yields the rows of the table of source models, the head first: mean mIoU of every run and gains of the best, with
    their intervals; the last row is of all source models. None for a single source model."""
    if not confirmation.source_models or not confirmation.is_scored:
        return
    runs = confirmation.runs
    gains = [f"{title(confirmation.best or '')} over {title(name)}" for name in _compared(confirmation)]
    yield ["source model", "own domain, %", *(f"{title(run.name)}, %" for run in runs), *gains]
    for one in confirmation.source_models:
        own = "-" if one.source is None else tenths(one.source.miou)
        yield [one.name, own, *_cells(one.runs, _best(one, confirmation), confirmation)]
    everyone = f"all {len(confirmation.source_models)}"
    yield [
        everyone,
        "",
        *_cells(runs, next((one for one in runs if one.name == confirmation.best), None), confirmation),
    ]


def source_models(confirmation: Confirmation | None) -> str:
    """Returns the section of the report with the results by source model; empty for a single source model."""
    rows = [] if confirmation is None else list(source_model_rows(confirmation))
    if not rows:
        return ""
    note = (
        "Mean mIoU over the stream, and gains in points, which are differences within a source model. Intervals of a "
        "source model are over its frames and seeds, those of the last row over frames and source models: each counts "
        "once, with its mean over the seeds. The search adapted the first one alone."
    )
    head = "".join(f"<th>{escape(text)}</th>" for text in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows[1:])
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    return f'<h2>By source model</h2><p class="note">{note}</p>{table}'


def _compared(confirmation: Confirmation) -> list[str]:
    """Returns the names of what the best configuration is compared with."""
    best = next((run for run in confirmation.runs if run.name == confirmation.best), None)
    return [] if best is None else list(best.gain)


def _best(one: SourceModelResults, confirmation: Confirmation) -> Confirmed | None:
    return next((run for run in one.runs if run.name == confirmation.best), None)


def _gains(found: list[tuple[str, Confirmed | None]], name: str) -> list[str]:
    return [f"{points(run.gain[name])} points ({source})" for source, run in found if run is not None]


def _cells(runs: list[Confirmed], best: Confirmed | None, confirmation: Confirmation) -> Iterator[str]:
    for run in runs:
        yield _share(run.mean_miou)
    for name in _compared(confirmation):
        yield "" if best is None else points(best.gain[name])


def _share(miou: Estimate | None) -> str:
    return "-" if miou is None else f"{tenths(miou.value)} ({interval(miou)})"
