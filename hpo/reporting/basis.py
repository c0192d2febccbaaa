"""Sentences on what a conclusion rests on, where labels of visited domains are missing or did not choose the trials."""

from hpo.config.objectives import LABEL_FREE_PREFIX, metrics_of, scored_domain
from hpo.reporting.pruning_table import correlation
from hpo.reporting.wording import (
    counted,
    interval,
    label_free_title,
    listed,
    long_title,
    metric_name,
    metric_value,
    points,
    tenths,
    title,
    unknown,
)
from hpo.results.confirmation import Confirmation, Confirmed
from hpo.results.correlation import CONFIDENCE, MIN_TRIALS
from hpo.results.label_free import labelled, power
from hpo.results.prequential import Prequential
from hpo.results.results import StudyResults
from hpo.study.names import DEFAULT
from segada.records import Record

_ON_HELD_OUT = "source_miou"
"""Label-free score that is of held-out frames, and not of the frames adapted on."""


class Measured(Record):
    """First objective of a confirmed run with fresh seeds."""

    value: float
    low: float
    high: float
    """Lowest and highest value of a seed."""


def measured(run: Confirmed) -> Measured | None:
    """Returns the first objective of a confirmed run, as `Confirmed.first_by_seed`; None without it."""
    found = run.first_by_seed
    return Measured(value=sum(found) / len(found), low=min(found), high=max(found)) if found else None


def objective_text(metric: str, run: Confirmed) -> str:
    """Returns the first objective of a confirmed run with its range over the seeds, if they differ:
    `0.41 (seeds 0.40 to 0.42)`; a dash if it is not known.
    """
    found = measured(run)
    if found is None:
        return "-"
    low, high = metric_value(metric, found.low), metric_value(metric, found.high)
    return f"{metric_value(metric, found.value)}{f' (seeds {low} to {high})' if low != high else ''}"


def unknown_headline(results: StudyResults, best: Confirmed, confirmation: Confirmation) -> str:
    """Returns the headline of a study of which no visited domain has labels: the best by the objective, and no more."""
    is_default = any(run.name == DEFAULT and run.trial == best.trial for run in confirmation.runs)
    visited = listed(list(dict.fromkeys(results.visits)))
    found, sign = measured(best), 1.0 if results.maximized[0] else -1.0
    compared = (*results.references, DEFAULT)
    others = {run.name: measured(run) for run in confirmation.runs if run.name in compared and run.trial is None}
    unbeaten = [
        long_title(name)
        for name, other in others.items()
        if found is not None and other is not None and sign * (found.value - other.value) <= 0
    ]
    but = f", but with fresh seeds it is not better by that than {listed(unbeaten)}" if unbeaten else ""
    return (
        f"Whether adaptation helps is not known: {unknown(holds_out=results.holds_out)} ({visited}). By "
        f"{metric_name(results.objectives[0])} alone, {_worth(results)}, "
        f"{long_title(DEFAULT) if is_default else title(best.name)} is the best{but}."
    )


def _worth(results: StudyResults) -> str:
    """Returns a clause on how well the first objective is known to rank the trials."""
    names = metrics_of(results.objectives[0])
    score = next((one.removeprefix(LABEL_FREE_PREFIX) for one in names if one.startswith(LABEL_FREE_PREFIX)), None)
    found = None if score is None else power(results, score)
    if found is None or found.spearman is None:
        return "whose ranking power there is not measured"
    return f"whose rank correlation with mIoU is {found.spearman.value:.2f} on {listed(found.domains)}"


def objective_sentence(results: StudyResults, best: Confirmed, confirmation: Confirmation) -> str:
    """Returns a sentence with the first objective of the best configuration, beside the baselines and the default."""
    metric = results.objectives[0]
    others = [run for run in confirmation.runs if run is not best and (run.trial is None or run.trial != best.trial)]
    compared = [f"{title(run.name)} {objective_text(metric, run)}" for run in others]
    beside = f", beside {listed(compared)}" if compared else ""
    better = "higher" if results.maximized[0] else "lower"
    return (
        f"{title(best.name).capitalize()} has {metric_name(metric)} {objective_text(metric, best)} with "
        f"{counted(len(best.seeds), 'fresh seed')}{beside}; {better} is meant to be better."
    )


def online_sentences(results: StudyResults, best: Confirmed) -> list[str]:
    """Returns a sentence for each objective that is a metric of the frames adapted on, with intervals."""
    if best.online is None:
        return []
    # Without held-out frames nothing else is known.
    metrics = [metric for metric in best.online.metrics if metric in results.objectives or not results.holds_out]
    return [_online_sentence(metric, best.online.metrics[metric], best.name) for metric in metrics]


def _online_sentence(metric: str, found: Prequential, best: str) -> str:
    gains = listed([f"{points(gain)} points over {long_title(name)}" for name, gain in found.gain.items()])
    return (
        f"On the frames that it adapts on, the same as in the search, {title(best)} has {metric_name(metric)} "
        f"{tenths(found.mean.value)} % ({interval(found.mean)}){f': {gains}' if gains else ''}."
    )


def rests_on(results: StudyResults) -> list[str]:
    """Returns sentences on what the choice of the best rests on: scores without labels with their measured ranking
    power, mIoU of domains that are not visited, and domains of which nothing is known; none if all is measured.
    """
    metrics = list(dict.fromkeys(name for text in results.objectives for name in metrics_of(text)))
    scores = [one.removeprefix(LABEL_FREE_PREFIX) for one in metrics if one.startswith(LABEL_FREE_PREFIX)]
    domains = list(dict.fromkeys(domain for one in metrics if (domain := scored_domain(one)) is not None))
    other = [name for name in domains if name not in results.visits]
    sentences = [sentence for score in scores for sentence in _on_score(results, score)]
    if other:
        sentences.append(
            f"The choice rests on mIoU of {listed(other)}, with labels, to which no run adapts: how well it stands for "
            "the visited domains is not measured."
        )
    if results.unscored and results.scored:
        sentences.append(f"Nothing is known of {listed(results.unscored)}: adapted to, without labels.")
    return sentences


def _on_score(results: StudyResults, score: str) -> list[str]:
    """Returns what the choice by a score rests on, and how well the score ranks trials."""
    name, visits = label_free_title(score), list(dict.fromkeys(results.visits))
    where = "the source domain" if score == _ON_HELD_OUT else listed(visits)
    rest = f"The choice rests on {name}, a score without labels, on {where}"
    same = "" if score == _ON_HELD_OUT else "; its frames are those adapted on, the same in search and confirmation"
    return [f"{rest}{same}.", _power_sentence(results, score, name)]


def _power_sentence(results: StudyResults, score: str, name: str) -> str:
    found = power(results, score)
    if found is None:
        few = f"fewer than {MIN_TRIALS} complete trials have scores on domains with labels"
        reason = few if labelled(results) else "no domain of this study but the source, if that, has labels"
        return f"How well {name} ranks trials is not measured: {reason}."
    domains = listed(found.domains)
    if found.spearman is None:
        return f"How well {name} ranks trials is not known: all {found.trials} trials are equal in it, or on {domains}."
    of = (
        f"{name} and mIoU on {domains}"
        if found.is_visited
        else f"{name} and mIoU on {domains}, to which no run adapts,"
    )
    doubt = "" if found.spearman.low > 0 else ", so that it is not shown to rank trials at all"
    doubt = ", so that it misleads there" if found.spearman.high < 0 else doubt
    return (
        f"Measured ranking power: the rank correlation of {of} is {correlation(found.spearman)} over {found.trials} "
        f"trials ({100 * CONFIDENCE:.0f} % interval; 1 is the same ranking, 0 none){doubt}."
    )
