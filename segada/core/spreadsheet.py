"""CSV that programs read and that spreadsheets open without running anything."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a cell begins with that a spreadsheet takes for a formula."""
MARK: Final = "'"
"""Before such a cell, so that it is text."""


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """CSV with a head; what a row lacks is empty.

    Text that begins as a formula does, and is no number, has `MARK` before it.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, columns))
    writer.writerows([_cell(row.get(column, "")) for column in columns] for row in rows)
    return text.getvalue()


def unmarked(cell: str) -> str:
    """The text that a cell of `csv_text` stands for."""
    return cell[len(MARK) :] if cell.startswith(tuple(MARK + sign for sign in FORMULA)) else cell


def _cell(value: object) -> object:
    if not isinstance(value, str) or not value.startswith(FORMULA) or _is_number(value):
        return value
    return f"{MARK}{value}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text == text.strip()
