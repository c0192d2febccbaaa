"""Table of the report on how well pruning can judge trials early."""

from hpo.config.rung_values import RUNG_VALUES
from hpo.reporting.markup import escape
from hpo.reporting.wording import metric_name
from hpo.results.confirmation import Estimate
from hpo.results.correlation import CONFIDENCE, MOST_TRIALS
from hpo.results.pruning import Foretold, rungs
from hpo.results.results import StudyResults

SPOKEN = {"gain_so_far": "gain so far", "projected_gain": "projected gain"}
TITLES = ("rank correlation of the ", "rank of the final best by ")


def early(results: StudyResults) -> str:
    """Returns the section on how well the first visits predict the final result; empty with too few completed
    trials.
    """
    found = rungs(results)
    if not found:
        return ""
    final = escape(metric_name(results.objectives[0]))
    note = (
        "After a visit, a trial is compared with others by its mean gain over source only on the visits so far, or by "
        "its projected gain, which adds the domains ahead with their current mIoU. The table compares both with the "
        f"final {final} of the completed trials, by Spearman's rank correlation with {100 * CONFIDENCE:.0f} % "
        "bootstrap intervals: near 1, the first visits predict the final result; near 0, pruning after these visits "
        "is random. "
        "Pruned trials have no final result, so the numbers are those among the trials that were not pruned."
        f"{sampled(max(rung.trials for rung in found))}"
    )
    heads = ["visits", *(f"{title}{SPOKEN[name]}" for name in RUNG_VALUES for title in TITLES), "pruned here"]
    rows = "".join(
        f"<tr><td>{rung.visits}</td>{''.join(_cells(rung.foretold[name], rung.trials) for name in RUNG_VALUES)}"
        f"<td>{rung.stopped}</td></tr>"
        for rung in found
    )
    head = "".join(f"<th>{name}</th>" for name in heads)
    table = f'<table class="pairs"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<h2>Can trials be judged early?</h2><p class="note">{note}</p>{table}'


def _cells(foretold: Foretold, trials: int) -> str:
    return f"<td>{correlation(foretold.correlation)}</td><td>{foretold.place_of_best} of {trials}</td>"


def sampled(trials: int) -> str:
    """Returns a sentence that correlations are those of a sample; empty if they are of all trials."""
    return f" Correlations are those of a random sample of {MOST_TRIALS} trials." if trials > MOST_TRIALS else ""


def correlation(estimate: Estimate | None) -> str:
    """Returns a correlation with its interval: `0.81 (0.40 to 0.97)`."""
    if estimate is None:
        return "constant"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"
