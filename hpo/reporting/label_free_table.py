"""Section of the report on ranking trials without labels."""

from hpo.reporting.markup import escape
from hpo.reporting.pruning_table import correlation, sampled
from hpo.reporting.wording import label_free_title, tenths
from hpo.results.confirmation import Estimate
from hpo.results.correlation import CONFIDENCE
from hpo.results.label_free import Ranking, chance, rankings
from hpo.results.results import StudyResults
from segada.settings.evaluation import HIGHER_IS_BETTER

_HEADS = ("score", "better is", "Spearman", "Kendall", "regret, points", "trials")


def unlabelled(results: StudyResults) -> str:
    """Returns the section on how well label-free scores rank the trials; empty if too few trials have any."""
    found = rankings(results)
    if not found:
        return ""
    note = (
        "Without labels, trials can only be compared by scores of their own predictions. The table compares each such "
        "score, a mean over the visits to domains with labels, with the true mean mIoU of the completed trials there. "
        "Rank correlations have "
        f"{100 * CONFIDENCE:.0f} % bootstrap intervals: 1 means the same ranking, 0 no relation, below 0 a misleading "
        "score. The regret is the difference in mIoU between the best trial and the trial with the best score. A trial "
        f"drawn at random has a regret of {tenths(chance(results))} points on average. The table is based on one seed "
        "and on the trials of one search; other studies may differ."
        f"{sampled(max(ranking.trials for ranking in found))}"
    )
    head = "".join(f"<th{' class=text' if index < 2 else ''}>{name}</th>" for index, name in enumerate(_HEADS))
    rows = "".join(map(_row, found))
    table = f'<table class="sortable"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<h2>Can trials be ranked without labels?</h2><p class="note">{note}</p>{table}'


def _row(ranking: Ranking) -> str:
    name = escape(label_free_title(ranking.score))
    better = "higher" if HIGHER_IS_BETTER[ranking.score] else "lower"
    return (
        f'<tr><td data-value="{name}">{name}</td><td class="text" data-value="{better}">{better}</td>'
        f"{_estimate(ranking.spearman)}{_estimate(ranking.kendall)}"
        f'<td data-value="{ranking.regret}">{tenths(ranking.regret)}</td>'
        f'<td data-value="{ranking.trials}">{ranking.trials}</td></tr>'
    )


def _estimate(estimate: Estimate | None) -> str:
    return f'<td data-value="{"" if estimate is None else estimate.value}">{correlation(estimate)}</td>'
