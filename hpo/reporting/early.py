"""The table of the report that says whether pruning was justified."""

from html import escape

from hpo.analysis.correlation import CONFIDENCE
from hpo.analysis.pruning import rungs
from hpo.confirm import Estimate
from hpo.reporting.wording import metric_name
from hpo.results import StudyResults


def early(results: StudyResults) -> str:
    """How well the first visits foretell the end, as a section; empty while too few trials are complete."""
    found = rungs(results)
    if not found:
        return ""
    final = escape(metric_name(results.objectives[0]))
    note = (
        "A trial is pruned by its mean gain over source-only on the visits so far. The table compares that gain with "
        f"the final {final} of the completed trials, by Spearman's rank correlation with "
        f"{100 * CONFIDENCE:.0f} % bootstrap intervals: near 1 the first visits foretell the end, near 0 to prune "
        "there is to draw lots. Pruned trials have no end to compare with, so that the numbers are those among the "
        "trials that were let through."
    )
    heads = ["visits", "rank correlation", "place of the final best", "pruned here"]
    rows = "".join(
        f"<tr><td>{rung.visits}</td><td>{correlation(rung.correlation)}</td>"
        f"<td>{rung.place_of_best} of {rung.trials}</td><td>{rung.stopped}</td></tr>"
        for rung in found
    )
    head = "".join(f"<th>{name}</th>" for name in heads)
    table = f'<table class="pairs"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<h2>Could it be told early?</h2><p class="note">{note}</p>{table}'


def correlation(estimate: Estimate | None) -> str:
    """With its interval: `0.81 (0.40 to 0.97)`."""
    if estimate is None:
        return "all alike"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
