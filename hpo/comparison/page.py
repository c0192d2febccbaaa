"""comparison.html: one file that opens offline."""

from hpo.comparison.diagram import diagram
from hpo.comparison.ranking import Ranking
from hpo.comparison.results import Comparison
from hpo.comparison.tables import columns
from hpo.comparison.wording import bars, detail, headline, method_of, probability
from hpo.reporting.interval_basis import interval_basis
from hpo.reporting.markup import escape
from hpo.reporting.style import CSS, SORT
from hpo.reporting.tables import heat, pairs
from hpo.reporting.wording import interval, tenths, title
from hpo.results.confirmation import Confirmed

_CSS = """
svg.ranks { width: 100%; height: auto; font: 14px "Inter", "Segoe UI", "Helvetica Neue", Arial, sans-serif; }
svg.ranks line, svg.ranks polyline { stroke: var(--ink); stroke-width: 1; fill: none; }
svg.ranks line.bar { stroke: var(--accent); stroke-width: 5; stroke-linecap: round; }
svg.ranks text { fill: var(--ink); } svg.ranks .rank { fill: var(--soft); font-size: 12px; }
td.told { color: var(--ink); font-weight: 640; } td.alike { color: var(--soft); }
"""


def page(comparison: Comparison) -> str:
    """The whole document: the answer first, then what it rests on."""
    sections = [
        f"<header><p>{escape(comparison.name)} · {len(comparison.methods)} methods</p>",
        f"<h1>{escape(headline(comparison))}</h1></header>",
        f'<p class="lead">{escape(detail(comparison))}</p>',
        "" if comparison.ranking is None else _ranking(comparison.ranking),
        _methods(comparison),
        _domains(comparison),
        "" if comparison.ranking is None else _pairs(comparison.ranking),
        _settings(comparison),
        _failures(comparison),
        f'<h2>How it was made</h2><p class="note">{escape(" ".join(comparison.notes))}</p>',
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(comparison.name)}</title><style>{CSS}{_CSS}</style></head>"
        f"<body>{''.join(sections)}<script>{SORT}</script></body></html>\n"
    )


def _ranking(ranking: Ranking) -> str:
    note = f"{method_of(ranking)} A bar joins methods of which no two are told apart: {bars(ranking)}."
    return f'<h2>Mean ranks</h2><p class="note">{escape(note)}</p>{diagram(ranking)}'


def _methods(comparison: Comparison) -> str:
    shown = columns(comparison)
    head = "".join(f"<th>{escape(column.head)}</th>" for column in shown)
    body = ""
    for method in comparison.methods:
        cells = (column.cell(method) for column in shown)
        row = "".join(f'<td data-value="{escape(str(key))}">{escape(text)}</td>' for text, key in cells)
        body += f"<tr>{row}</tr>"
    note = (
        "Each method's winner, on frames that no search saw. Click a column to sort by it. Methods that share a letter "
        "under group are not told apart. Trials, frames and time are those of the search."
    )
    table = f'<table class="sortable"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return f'<h2>Methods</h2><p class="note">{note}</p><div class="scroll">{table}</div>'


def _domains(comparison: Comparison) -> str:
    labels = [*comparison.methods[0].confirmed.miou, "mean"]
    head = "".join(f"<th>{escape(label)}</th>" for label in labels)
    own = {method.name for method in comparison.methods}
    rows = [
        *(_domain_row(method.name, method.confirmed) for method in comparison.methods),
        *(_domain_row(title(row.name), row) for row in comparison.references if row.name not in own),
    ]
    note = (
        "mIoU in % on the domain being visited, after the visit; columns in stream order. Blue is better, orange worse "
        f"than source only on the same frames. {escape(interval_basis(comparison.blocks))}"
    )
    table = f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
    return f'<h2>Per domain</h2><p class="note">{note}</p><div class="scroll">{table}</div>'


def _domain_row(name: str, row: Confirmed) -> str:
    estimates = [*row.miou.values(), row.scored_miou]
    gains: list[float | None] = [None] * len(estimates)
    if "source_only" in row.gain:
        gains = [gain.value for gain in (*row.miou_gain["source_only"].values(), row.gain["source_only"])]
    cells = "".join(heat(tenths(one.value), gain, interval(one)) for one, gain in zip(estimates, gains, strict=True))
    return f"<tr><td>{escape(name)}</td>{cells}</tr>"


def _pairs(ranking: Ranking) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in ranking.methods)
    apart = ranking.friedman_p is None or ranking.friedman_p <= ranking.level
    body = ""
    for one in ranking.methods:
        cells = ""
        for other in ranking.methods:
            p = ranking.p_values[one].get(other)
            told = apart and p is not None and p <= ranking.level
            text = "" if p is None else probability(p)
            cells += f'<td class="{"told" if told else "alike"}">{escape(text)}</td>'
        body += f"<tr><td>{escape(one)}</td>{cells}</tr>"
    note = "p-value of every pair, by Holm's correction; in bold, pairs that are told apart."
    table = f"<table><thead><tr><th></th>{head}</tr></thead><tbody>{body}</tbody></table>"
    return f'<h2>Pairs</h2><p class="note">{note}</p><div class="scroll">{table}</div>'


def _settings(comparison: Comparison) -> str:
    blocks = "".join(
        f"<details><summary>{escape(method.name)}: trial {method.trial}</summary>{pairs(method.settings)}</details>"
        for method in comparison.methods
        if method.settings
    )
    note = "What each winner sets; everything else is in its best/settings.yaml."
    return f'<h2>Settings</h2><p class="note">{note}</p>{blocks}' if blocks else ""


def _failures(comparison: Comparison) -> str:
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="wrap">{escape(reason)}</td></tr>'
        for name, reason in comparison.failures.items()
    )
    head = '<thead><tr><th>method</th><th class="text">reason</th></tr></thead>'
    return f"<h2>Failures</h2><table>{head}<tbody>{rows}</tbody></table>" if rows else ""
