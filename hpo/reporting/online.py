"""Section of the report on the frames that are adapted on, each predicted before the step that learns from it."""

import math
from collections.abc import Iterator, Mapping, Sequence

from hpo.config.objectives import ADAPTATION_SPEED, ONLINE_MIOU, metrics_of
from hpo.reporting import figures
from hpo.reporting.conclusion import best_run
from hpo.reporting.markup import escape
from hpo.reporting.tables import heat
from hpo.reporting.wording import interval, tenths, title
from hpo.results.confirmation import Estimate
from hpo.results.prequential import Online
from hpo.results.results import StudyResults


def while_adapting(results: StudyResults) -> str:
    """Returns the section with the online mIoU and the adaptation speed of the confirmed runs; empty if no run has
    them.
    """
    runs = () if results.confirmed is None else results.confirmed.runs
    known = [(run.name, run.online) for run in runs if run.online is not None]
    if not known:
        return ""
    labels = list(known[0][1].metrics[ONLINE_MIOU].visits)
    heads = ["", *labels, "mean", f"speed, {known[0][1].speed_frames} frames"]
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    best = best_run(results.confirmed)
    rows = [_row(title(name), _cells(online), is_best=best is not None and name == best.name) for name, online in known]
    if best is not None and best.online is not None:
        rows += [_row(f"gain over {title(name)}", cells) for name, cells in _gains(best.online, len(labels))]
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    note = f'<p class="note">{_NOTE}{_chosen(results)}</p>'
    shown = f'{figures.learning_curves(results)}<div class="scroll">{table}</div>'
    return f"<h2>While it adapts</h2>{note}{shown}{_pseudo_labels(known, labels)}"


def _pseudo_labels(known: Sequence[tuple[str, Online]], labels: Sequence[str]) -> str:
    """Returns the table of the quality of pseudo-labels, of the runs that have any; empty without such runs."""
    rows = ""
    for name, online in known:
        cells = "".join(_quality(online.pseudo_labels.get(label, {})) for label in labels)
        rows += f"<tr><td>{escape(title(name))}</td>{cells}</tr>" if online.pseudo_labels else ""
    head = "".join(f"<th>{escape(text)}</th>" for text in ("", *labels))
    note = (
        "Sure pseudo-labels of these frames against ground truth, which no method learns from: accuracy in %, and "
        "below it mIoU and the share of labelled pixels that are sure (coverage). Means over seeds."
    )
    table = f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
    return f'<p class="note">{note}</p>{table}' if rows else ""


def _quality(found: Mapping[str, float]) -> str:
    accuracy, miou, coverage = (tenths(found.get(name, math.nan)) for name in ("accuracy", "miou", "coverage"))
    return heat(accuracy, None, f"{miou}, coverage {coverage}")


_NOTE = (
    "mIoU in % of the frames that are adapted on, each predicted before the step that learns from it: of all frames of "
    "a visit (online mIoU), and the adaptation speed, which is the mean of the mIoU of the first frame of a visit, of "
    "the first two and so on: the area under the curve in the figure. Seeds are fresh; the frames are those of the "
    "search."
)


def _chosen(results: StudyResults) -> str:
    """Returns a caution where trials are chosen by these frames."""
    named = {name for text in results.objectives for name in metrics_of(text)}
    if not named & {ONLINE_MIOU, ADAPTATION_SPEED}:
        return ""
    return (
        " The search chose by the same frames, with another seed: the values of its best are too high rather than low."
    )


def _cells(online: Online) -> Iterator[Estimate | None]:
    found = online.metrics[ONLINE_MIOU]
    yield from (*found.visits.values(), found.mean, online.metrics[ADAPTATION_SPEED].mean)


def _gains(online: Online, visits: int) -> Iterator[tuple[str, Sequence[Estimate | None]]]:
    for name, gain in online.metrics[ONLINE_MIOU].gain.items():
        yield name, [*[None] * visits, gain, online.metrics[ADAPTATION_SPEED].gain[name]]


def _row(name: str, cells: Iterator[Estimate | None] | Sequence[Estimate | None], *, is_best: bool = False) -> str:
    signed = name.startswith("gain")
    row = "".join(
        heat("", None, "")
        if one is None
        else heat(tenths(one.value, "+" if signed else "-"), one.value if signed else None, interval(one))
        for one in cells
    )
    return f'<tr class="{"best" if is_best else ""}"><td>{escape(name)}</td>{row}</tr>'
