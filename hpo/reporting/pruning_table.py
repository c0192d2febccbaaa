"""The table of the report that says whether pruning was justified."""

from hpo.config.objectives import RUNG_VALUES
from hpo.reporting.markup import escape
from hpo.reporting.wording import metric_name
from hpo.results.confirmation import Estimate
from hpo.results.correlation import CONFIDENCE, MOST_TRIALS
from hpo.results.pruning import Foretold, rungs
from hpo.results.results import StudyResults

SPOKEN = {"gain_so_far": "gain so far", "projected_gain": "projected gain"}
TITLES = ("rank correlation of the ", "place of the final best by ")


def early(results: StudyResults) -> str:
    """How well the first visits foretell the end, as a section; empty while too few trials are complete."""
    found = rungs(results)
    if not found:
        return ""
    final = escape(metric_name(results.objectives[0]))
    note = (
        "After a visit a trial is compared with others by its mean gain over source-only on the visits so far, or by "
        "its projected gain, which adds domains still to come as they are scored by then. The table compares both "
        "with the "
        f"final {final} of the completed trials, by Spearman's rank correlation with "
        f"{100 * CONFIDENCE:.0f} % bootstrap intervals: near 1 the first visits foretell the end, near 0 to prune "
        "there is to draw lots. Pruned trials have no end to compare with, so that the numbers are those among the "
        f"trials that were let through.{sampled(max(rung.trials for rung in found))}"
    )
    heads = ["visits", *(f"{title}{SPOKEN[name]}" for name in RUNG_VALUES for title in TITLES), "pruned here"]
    rows = "".join(
        f"<tr><td>{rung.visits}</td>{''.join(_cells(rung.foretold[name], rung.trials) for name in RUNG_VALUES)}"
        f"<td>{rung.stopped}</td></tr>"
        for rung in found
    )
    head = "".join(f"<th>{name}</th>" for name in heads)
    table = f'<table class="pairs"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<h2>Could it be told early?</h2><p class="note">{note}</p>{table}'


def _cells(foretold: Foretold, trials: int) -> str:
    return f"<td>{correlation(foretold.correlation)}</td><td>{foretold.place_of_best} of {trials}</td>"


def sampled(trials: int) -> str:
    """Says that correlations are those of a sample; empty where they are of all trials."""
    return f" Correlations are those of {MOST_TRIALS} trials, drawn by lot." if trials > MOST_TRIALS else ""


def correlation(estimate: Estimate | None) -> str:
    """With its interval: `0.81 (0.40 to 0.97)`."""
    if estimate is None:
        return "all alike"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
