"""The section of the report that says whether one could have chosen without labels."""

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
    """How well each label-free score ranks the trials, as a section; empty while too few trials have any."""
    found = rankings(results)
    if not found:
        return ""
    note = (
        "Where nobody has labels, trials can only be compared by what their predictions say of themselves. The table "
        "sets each such score, a mean over visits, against the true mean mIoU of the completed trials: rank "
        f"correlations with {100 * CONFIDENCE:.0f} % bootstrap intervals, 1 if the score ranks them as the truth does, "
        "0 if it says nothing, below 0 if it misleads; and by how much the trial that the score puts first falls short "
        f"of the best one. A trial drawn by lot falls short by {tenths(chance(results))} points on average. One seed, "
        "and trials that a search has chosen: another study may say otherwise."
        f"{sampled(max(ranking.trials for ranking in found))}"
    )
    head = "".join(f"<th{' class=text' if index < 2 else ''}>{name}</th>" for index, name in enumerate(_HEADS))
    rows = "".join(map(_row, found))
    table = f'<table class="sortable"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return f'<h2>Could it be told without labels?</h2><p class="note">{note}</p>{table}'


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
