"""Section of the report with predictions before and after adaptation, and where they differ, for people to judge."""

import base64
import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter

from hpo.reporting.conclusion import best_run
from hpo.reporting.markup import escape
from hpo.reporting.wording import counted, tenths, title
from hpo.results.results import StudyResults
from hpo.study.names import Repeat, confirmation_folder_name, confirmation_name
from segada.artifacts.run_files import read
from segada.records import Disagreement

MOST_BYTES: Final = 8 * 2**20
"""Greatest size of all pictures of a report, in bytes before their encoding as text, which adds a third."""

_PNG: Final = b"\x89PNG\r\n"
_ROWS = TypeAdapter(list[Disagreement])


@dataclass(frozen=True)
class _Shown:
    """A row of a table of disagreement, and the place of its picture."""

    row: Disagreement
    path: Path


def pictures(results: StudyResults) -> str:
    """Returns the section with the pictures of the best confirmed configuration; empty if there are none."""
    best = best_run(results.confirmed)
    if best is None:
        return ""
    run = confirmation_folder_name(confirmation_name(best.name, Repeat(0, best.seeds[0])))
    folder = results.folder / "confirmation" / run
    known = _known(folder)
    figures, left = _figures(_ordered(known, results.unscored), results.labels)
    if not figures:
        return ""
    without = " Domains without labels come first." if results.unscored else ""
    note = (
        f"Frames of the stream, evenly spaced over each visit, of {title(best.name)} under its first fresh seed: the "
        "source model's prediction, that of the adapted network after the visit, and the pixels in which they differ. "
        "A change is no gain: whether it is better can be seen here, or measured with labels. Where there are labels, "
        f"they are shown, and changes are blue if right now, red if right before, yellow if neither.{without}"
    )
    more = f'<p class="note">{counted(left, "more picture")} in {escape(str(folder / "panels"))}.</p>' if left else ""
    shares = _shares(known, results.labels)
    return f'<h2>Before and after</h2><p class="note">{escape(note)}</p>{shares}{"".join(figures)}{more}'


def _known(folder: Path) -> list[_Shown]:
    """Reads the tables of a run; a damaged one is passed over."""
    none: list[Disagreement] = []
    tables = sorted(folder.glob("tables/disagreement_*.csv"))
    rows = [row for path in tables for row in read(path, _rows, none).value]
    found = [_Shown(row, folder / "panels" / f"disagreement_{row.visit}_{row.frame:06d}.png") for row in rows]
    return sorted(found, key=lambda one: (one.row.visit, one.row.frame))


def _rows(content: bytes) -> list[Disagreement]:
    lines = csv.DictReader(io.StringIO(content.decode()))
    return _ROWS.validate_python([{name: cell or None for name, cell in line.items()} for line in lines])


def _ordered(known: Sequence[_Shown], unscored: Sequence[str]) -> list[_Shown]:
    """Sorts by whether the domain has labels, then the first frame of every visit before the second ones."""
    seen: dict[int, int] = {}
    places = []
    for one in known:
        place = seen.get(one.row.visit, 0)
        seen[one.row.visit] = place + 1
        places.append((one.row.domain not in unscored, place, one.row.visit))
    return [known[index] for index in sorted(range(len(known)), key=lambda index: places[index])]


def _figures(ordered: Sequence[_Shown], labels: Sequence[str]) -> tuple[list[str], int]:
    """Returns the figures that fit into the report, and the number of pictures that do not."""
    figures, left, size = [], 0, 0
    for one in ordered:
        content = read(one.path, bytes, b"").value
        if not content.startswith(_PNG):
            continue
        if size + len(content) > MOST_BYTES:
            left += 1
            continue
        size += len(content)
        figures.append(_figure(one.row, _label(one.row, labels), content))
    return figures, left


def _label(row: Disagreement, labels: Sequence[str]) -> str:
    """Returns the name of the visit as in the other tables."""
    return labels[row.visit] if row.visit < len(labels) else row.domain


def _figure(row: Disagreement, label: str, content: bytes) -> str:
    caption = f"{label}, frame {row.frame}: {tenths(row.changed)} % of the pixels change"
    if row.source_miou is not None and row.adapted_miou is not None:
        caption += f"; mIoU of the frame {tenths(row.source_miou)} % before, {tenths(row.adapted_miou)} % after"
    data = base64.b64encode(content).decode()
    return (
        f'<figure class="picture"><figcaption>{escape(caption)}</figcaption>'
        f'<img alt="{escape(caption)}" src="data:image/png;base64,{data}"></figure>'
    )


def _shares(known: Sequence[_Shown], labels: Sequence[str]) -> str:
    """Returns a table of the share of changed pixels by visit."""
    visits: dict[str, list[float]] = {}
    for one in known:
        visits.setdefault(_label(one.row, labels), []).append(one.row.changed)
    rows = "".join(
        f"<tr><td>{escape(label)}</td><td>{tenths(sum(shares) / len(shares))}</td><td>{len(shares)}</td></tr>"
        for label, shares in visits.items()
    )
    head = "<th>visit</th><th>changed pixels, %</th><th>frames</th>"
    return f'<table class="pairs"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
