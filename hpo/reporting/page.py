"""HTML report of a study, a single file that works offline."""

import math
from collections.abc import Iterator
from pathlib import Path

from plotly.offline import get_plotlyjs

from hpo.reporting import figures, tables
from hpo.reporting.conclusion import HONESTY, best_run, conclusion, hardest, search_line
from hpo.reporting.interval_basis import interval_basis
from hpo.reporting.label_free_table import unlabelled
from hpo.reporting.markup import escape, escape_lines
from hpo.reporting.online import while_adapting
from hpo.reporting.pictures import pictures
from hpo.reporting.pruning_table import early
from hpo.reporting.source_models import source_models
from hpo.reporting.style import CSS, SORT
from hpo.reporting.wording import (
    counted,
    interval,
    metric_title,
    metric_value,
    not_scored,
    points,
    tenths,
    title,
    unknown,
)
from hpo.results.confirmation import Confirmed, Estimate
from hpo.results.results import StudyResults, TrialResult
from segada.core.atomic_io import write_text


def write_report(results: StudyResults, path: Path) -> None:
    """Writes the report of a study, finished or not."""
    write_text(path, page(results))


def page(results: StudyResults) -> str:
    """Returns the whole document, with the conclusion first."""
    answer = conclusion(results)
    sections = [
        f"<header><p>{escape(results.name)} · {escape(search_line(results))}</p>",
        f"<h1>{escape(answer.headline)}</h1></header>",
        f'<p class="lead">{escape(answer.detail)}</p>',
        _figures(results),
        _per_domain(results) if results.scored else _by_objective(results),
        source_models(results.confirmed),
        pictures(results),
        while_adapting(results),
        _winner(results),
        _trade_offs(results),
        _search(results),
        early(results),
        unlabelled(results),
        _trials(results),
        _failures(results),
        _damages(results),
        _left_out(results),
        _study(results),
    ]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(results.name)}</title><style>{CSS}</style>"
        f"<script>{get_plotlyjs()}</script></head><body>{''.join(sections)}<script>{SORT}</script></body></html>\n"
    )


def _figures(results: StudyResults) -> str:
    confirmation, best = results.confirmed, best_run(results.confirmed)
    if best is None or confirmation is None:
        return ""
    if not confirmation.is_scored:
        return f'<div class="figures">{"".join(_objective_figures(results, best))}</div>'
    where = hardest(confirmation)
    at_worst = f"in {where} {tenths(best.miou[where].value)} ({interval(best.miou[where])})"
    boxes = [_figure(best.scored_miou, "% mean mIoU over the stream", at_worst, signed=False)]
    for name, gain in best.gain.items():
        at_worst = f"in {where} {points(best.miou_gain[name][where])}"
        boxes.append(_figure(gain, f"points over {title(name)}", at_worst, signed=True))
    return f'<div class="figures">{"".join(boxes)}</div>'


def _objective_figures(results: StudyResults, best: Confirmed) -> Iterator[str]:
    """Yields a box per objective; there is no mIoU to show."""
    spread = f"with {counted(len(best.seeds), 'fresh seed')}; {unknown(holds_out=results.holds_out)}"
    for metric in results.objectives:
        value = metric_value(metric, best.objectives.get(metric, math.nan))
        lines = "<br>".join(map(escape, (metric_title(metric), spread)))
        yield f'<div class="figure"><b>{escape(value)}</b><span>{lines}</span></div>'


def _figure(estimate: Estimate, caption: str, at_worst: str, *, signed: bool) -> str:
    value = tenths(estimate.value, "+" if signed else "-")
    lines = "<br>".join(map(escape, (caption, interval(estimate), at_worst)))
    return f'<div class="figure"><b>{value}</b><span>{lines}</span></div>'


def _winner(results: StudyResults) -> str:
    trial = _trial(results)
    if trial is None:
        return ""
    note = "Parameters of the best configuration; all other settings are in best/settings.yaml."
    return f'<h2>Best settings</h2><p class="note">{note}</p>{tables.pairs(trial.parameters)}'


def _trial(results: StudyResults) -> TrialResult | None:
    best = best_run(results.confirmed)
    return None if best is None else next((one for one in results.trials if one.number == best.trial), None)


def _per_domain(results: StudyResults) -> str:
    reference = title(next(iter(results.references), "the baseline, of which there is none,"))
    note = (
        "mIoU on the visited domain, after the visit; columns in stream order. Blue cells are better, orange cells "
        f"worse than {reference} on the same frames. {_basis(results)}"
    )
    unscored = _unscored(results) if results.unscored else ""
    return f'<h2>Per domain</h2><p class="note">{note}</p>{unscored}{tables.per_domain(results)}'


def _by_objective(results: StudyResults) -> str:
    note = (
        "No mIoU is known of the visited domains, and no gain. The table has the objectives of the confirmed runs with "
        "fresh seeds: the mean, and the lowest and the highest value of a seed."
    )
    return f'<h2>By objective</h2><p class="note">{note}</p>{_unscored(results)}{tables.by_objective(results)}'


def _unscored(results: StudyResults) -> str:
    return f"<p>{not_scored(holds_out=results.holds_out)}: {escape(', '.join(results.unscored))}.</p>"


def _basis(results: StudyResults) -> str:
    """Returns sentences on the intervals and on the frames of the search and of the confirmation."""
    confirmed = results.confirmed
    has_areas = confirmed is None or confirmed.rests_on != "seeds"
    models = 0 if confirmed is None else len(confirmed.source_models)
    on_frames = interval_basis({} if confirmed is None else confirmed.blocks, models)
    sentences = [*([on_frames] if has_areas else []), *results.caveats, *([] if results.is_external else [HONESTY])]
    if results.is_external:
        sentences.append("The frames of the splits val and test are the program's own choice.")
    return escape(" ".join(sentences))


def _trade_offs(results: StudyResults) -> str:
    if not results.front:
        return ""
    note = (
        "No trial on the Pareto front is worse than another one in every objective. Confirmed are its ends, its knee, "
        "and then the trials farthest from these (confirm.top). Values of the search are of one seed on the split val, "
        f"confirmed values are means over the fresh seeds on the split test.{tables.cut(len(results.front), _ALL)}"
    )
    return f'<h2>Trade-offs</h2><p class="note">{note}</p>{figures.front(results)}{tables.front(results)}'


def _search(results: StudyResults) -> str:
    if not results.completed():
        return ""
    note = (
        "The figures show completed trials. Hover over a trial in the first figure for its parameters. The small "
        "plots, one per parameter, show the range of the better three quarters of the trials."
        f"{_drawn(len(results.completed()))}"
    )
    plots = "".join(
        f"{figures.history(results, number)}{figures.parameters(results, number)}"
        for number in range(len(results.objectives))
    )
    return f'<h2>The search</h2><p class="note">{note}</p>{plots}'


def _drawn(completed: int) -> str:
    most = figures.MOST_POINTS
    return (
        f" The points are a random sample of {most} of the {completed} trials; the line is of all."
        if completed > most
        else ""
    )


def _trials(results: StudyResults) -> str:
    if not results.trials:
        return ""
    cut = tables.cut(len(results.trials), "the best trials come first; results.csv has all")
    note = f"Click a column to sort by it. Pruned trials have no value: they were stopped after a visit.{cut}"
    return f'<h2>Trials</h2><p class="note">{note}</p>{tables.trials(results)}'


def _failures(results: StudyResults) -> str:
    table = tables.failures(results)
    cut = tables.cut(len(results.failed()), "results.csv and failures.json have all")
    note = f'<p class="note">{cut}</p>' if cut else ""
    return f"<h2>Failures</h2>{note}{table}" if table else ""


def _damages(results: StudyResults) -> str:
    lines = "".join(f"<li>{escape(line)}</li>" for line in results.damages)
    return f"<h2>Damaged files</h2><ul>{lines}</ul>" if lines else ""


_ALL = "results.csv has all trials"


def _left_out(results: StudyResults) -> str:
    """Returns the files that baselines left out of the folders of their domains; other runs read the same folders."""
    counts = {domain: files for report in results.baselines.values() for domain, files in report.files_left_out.items()}
    lines = "".join(
        f"<li>{escape(domain)}: {escape(', '.join(f'{reason}: {count}' for reason, count in files.items()))}</li>"
        for domain, files in counts.items()
    )
    note = '<p class="note">No run used these files; log.txt in the folder of a run names the first of them.</p>'
    return f"<h2>Files left out</h2>{note}<ul>{lines}</ul>" if lines else ""


def _study(results: StudyResults) -> str:
    return (
        '<h2>How it was made</h2><p class="note">Study file with all defaults, and the versions of each session.</p>'
        f"<details><summary>study.yaml</summary><pre>{escape_lines(results.study_yaml)}</pre></details>"
    )
