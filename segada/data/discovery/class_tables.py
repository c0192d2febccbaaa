"""Tables of class names, and perhaps colors or ids, that are stored beside label files."""

import csv
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from segada.settings.class_sets import Color
from segada.settings.limits import NAME

NAMES: Final = re.compile(r"_?(?:class|label|categor|codes|names|color|palette|obj)\w*", re.IGNORECASE)
"""Stems of files that may be tables."""
ENDINGS: Final = (".txt", ".csv", ".json", ".names")
MOST_BYTES: Final = 1_000_000
MOST_LINES: Final = 256
ID_COLUMNS: Final = ("pixel value", "id", "index", "value", "label_id", "class_id", "number")
NAME_COLUMNS: Final = ("name", "class", "label", "class_name", "category")


@dataclass(frozen=True)
class ClassTable:
    """Names of classes.

    Attributes:
        path: File of the table.
        names: Names in order.
        ids: Ids by name, where the table gives them.
        colors: Colors by name, where the table gives them.
    """

    path: Path
    names: Sequence[str]
    ids: Mapping[str, int] = field(default_factory=dict)
    colors: Mapping[str, Color] = field(default_factory=dict)


@dataclass(frozen=True)
class _Row:
    name: str
    number: int | None = None
    color: Color | None = None


def class_table(root: Path, files: Sequence[Path]) -> ClassTable | None:
    """Returns the first table of class names among the files of a tree, those nearest to its root first."""
    for path in sorted(files, key=lambda path: (len(path.relative_to(root).parts), str(path))):
        if path.suffix.lower() in ENDINGS and NAMES.fullmatch(path.stem) and path.stat().st_size <= MOST_BYTES:
            rows = _rows(path)
            names = [row.name for row in rows]
            if rows and len(set(names)) == len(names):
                ids = {row.name: row.number for row in rows if row.number is not None}
                colors = {row.name: row.color for row in rows if row.color is not None}
                every = len(rows)
                return ClassTable(path, names, ids if len(ids) == every else {}, colors if len(colors) == every else {})
    return None


def _rows(path: Path) -> list[_Row]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        found = _of_json(json.loads(text)) if path.suffix.lower() == ".json" else _of_text(text)
    except (OSError, ValueError):
        return []
    good = [row for row in found if 0 < len(row.name) <= NAME and row.name.isprintable()]
    return good if len(good) == len(found) <= MOST_LINES else []


def _of_json(value: Any) -> list[_Row]:
    """Returns the rows of a list of names or of entries, or of a mapping from or to names."""
    if isinstance(value, dict) and len(value) == 1 and isinstance(next(iter(value.values())), list):
        value = next(iter(value.values()))
    if isinstance(value, list):
        return [row for one in value if (row := _of_entry(one)) is not None]
    if not isinstance(value, dict):
        return []
    if all(str(key).isdigit() and isinstance(name, str) for key, name in value.items()):
        return [_Row(name, int(key)) for key, name in value.items()]
    rows = [_Row(name, _whole(one), _color(one)) for name, one in value.items()]
    return [row for row in rows if row.number is not None or row.color is not None]


def _of_entry(one: Any) -> _Row | None:
    if isinstance(one, str):
        return _Row(one)
    if not isinstance(one, dict):
        return None
    given = {str(key).lower(): value for key, value in one.items()}
    name = next((given[key] for key in NAME_COLUMNS if isinstance(given.get(key), str)), None)
    number = next((given[key] for key in ID_COLUMNS if _whole(given.get(key)) is not None), None)
    return None if name is None else _Row(name, number, _color(given.get("color")))


def _whole(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 65535 else None


def _color(value: Any) -> Color | None:
    numbers = value[:3] if isinstance(value, list) else []
    whole = [one for one in numbers if _whole(one) is not None and one <= 255]
    return (whole[0], whole[1], whole[2]) if len(whole) == 3 else None


def _of_text(text: str) -> list[_Row]:
    """Returns the rows of lines `name`, `0 name`, `name,r,g,b`, `r g b name`, or of columns with a header."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if not lines or len(lines) > MOST_LINES:
        return []
    header = [cell.strip().lower() for cell in next(csv.reader([lines[0]]))]
    columns = [cell for cell in header if cell in (*NAME_COLUMNS, *ID_COLUMNS, "r", "g", "b")]
    is_header = len(header) > 1 and len(columns) >= 2
    return [row for line in lines[is_header:] if (row := _of_line(line)) is not None]


def _of_line(line: str) -> _Row | None:
    """Returns the row of a line: of one number it is the id, of three the color, and the words are the name."""
    cells = [cell.strip() for cell in re.split(r"[,;\t]|:+", line) if cell.strip()]
    if len(cells) == 1:
        numbered = re.fullmatch(r"((?:\d+\s+)*)(.*?)((?:\s+\d+)*)", cells[0])
        assert numbered is not None
        cells = [*numbered[1].split(), numbered[2], *numbered[3].split()]
    else:
        cells = [part for cell in cells for part in (cell.split() if re.fullmatch(r"[\d\s]+", cell) else [cell])]
    numbers = [int(cell) for cell in cells if cell.isdecimal()]
    words = [cell for cell in cells if cell and not cell.isdecimal()]
    if not words:
        return None
    color = _color(numbers[-3:]) if len(numbers) >= 3 else None
    return _Row(words[0], numbers[0] if len(numbers) in (1, 4) else None, color)
