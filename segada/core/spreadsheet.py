"""CSV that spreadsheets can open without evaluating cells as formulas."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Final

FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
"""First characters by which a spreadsheet recognizes a formula."""
MARK: Final = "'"
"""Prefix that marks such a cell as text."""


def csv_of(rows: Sequence[Mapping[str, object]]) -> str:
    """Returns CSV as of `csv_text`, with the columns of all rows in the order in which they first occur."""
    return csv_text(list(dict.fromkeys(chain(*rows))), rows)


def csv_text(columns: Sequence[str], rows: Iterable[Mapping[str, object]]) -> str:
    """Returns CSV with a header; columns missing in a row are empty.

    Text that begins like a formula and is not a number gets the prefix `MARK`.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(_cell, columns))
    writer.writerows([_cell(row.get(column, "")) for column in columns] for row in rows)
    return text.getvalue()


def unmarked(cell: str) -> str:
    """Returns the original text of a cell written by `csv_text`."""
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
