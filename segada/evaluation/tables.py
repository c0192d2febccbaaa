"""Tables of scores: in percent for the terminal, in fractions as CSV."""

from collections.abc import Mapping
from typing import Final

from rich.table import Table

from segada.core.spreadsheet import csv_text
from segada.evaluation.records import DomainRecord, Evaluation

SCORES: Final = {
    "mIoU": "miou",
    "mIoU_mmseg": "miou_mmseg",
    "mAcc": "macc",
    "aAcc": "aacc",
    "fwIoU": "fwiou",
    "fwAcc": "fwacc",
}
"""Column names and fields of the record."""
FACTS: Final = ("frames", "unreadable", "pixels")
TIMES: Final = ("seconds", "frames_per_second")
"""Further fields of the record."""


def class_table(domain: str, record: DomainRecord) -> Table:
    """Returns the table of one domain: a row per class present in the labels, then the means."""
    left_out = f" ({record.unreadable} more cannot be read)" if record.unreadable else ""
    table = Table(title=f"{domain}: {record.frames} frames{left_out}, in percent")
    for column in ("class", "IoU", "Acc", "share of pixels"):
        table.add_column(column, justify="left" if column == "class" else "right")
    for name in record.iou:
        table.add_row(name, *(_percent(values[name]) for values in (record.iou, record.accuracy, record.share)))
    table.add_section()
    table.add_row("mean", _percent(record.miou), _percent(record.macc), "")
    table.add_row("mean as in mmseg", _percent(record.miou_mmseg), _percent(record.macc), "")
    table.add_row("weighted by share", _percent(record.fwiou), _percent(record.fwacc), "")
    table.add_row("all pixels (aAcc)", "", _percent(record.aacc), "")
    return table


def domain_table(evaluation: Evaluation) -> Table:
    """Returns the table of all domains, one row each."""
    table = Table(title="in percent")
    shown = [name for name in SCORES if name != "fwAcc"]
    for column in ("domain", *shown, "frames", "frames/s"):
        table.add_column(column, justify="left" if column == "domain" else "right")
    for name, record in evaluation.domains.items():
        scores = _scores(record)
        numbers = [_percent(scores[column]) for column in shown]
        table.add_row(name, *numbers, str(record.frames), f"{record.frames_per_second:.3g}")
    return table


def evaluation_csv(evaluation: Evaluation) -> str:
    """Returns a row per domain with fractions in [0, 1]; empty cells for classes absent from the labels."""
    per_class = [f"{kind}/{name}" for kind in ("IoU", "Acc", "share") for name in evaluation.classes]
    columns = ["domain", *FACTS, *SCORES, *per_class, *TIMES]
    return csv_text(columns, (_row(name, record) for name, record in evaluation.domains.items()))


def _row(name: str, record: DomainRecord) -> Mapping[str, object]:
    classes = {"IoU": record.iou, "Acc": record.accuracy, "share": record.share}
    return {
        "domain": name,
        **record.model_dump(include={*FACTS, *TIMES}),
        **_scores(record),
        **{f"{kind}/{cls}": value for kind, values in classes.items() for cls, value in values.items()},
    }


def _scores(record: DomainRecord) -> Mapping[str, float | None]:
    fields = record.model_dump(include=set(SCORES.values()))
    return {name: fields[field] for name, field in SCORES.items()}


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}"
