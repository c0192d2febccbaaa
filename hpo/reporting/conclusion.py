"""Conclusion of a study in plain sentences, for the report and the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass

from hpo.config.program_study import ONE_SPLIT
from hpo.reporting.basis import objective_sentence, online_sentences, rests_on, unknown_headline
from hpo.reporting.batch_norm_share import batch_norm_sentence
from hpo.reporting.budget import trials_line
from hpo.reporting.domain_gains import domain_sentences
from hpo.reporting.feasibility import broken_by, passed_over
from hpo.reporting.headline import NO_BASELINE, headline, is_default, source_sentence
from hpo.reporting.source_models import source_model_sentences
from hpo.reporting.wording import (
    clock,
    counted,
    interval,
    listed,
    long_title,
    metric_name,
    metric_value,
    points,
    tenths,
    title,
)
from hpo.results.confirmation import Confirmation, Confirmed, Estimate
from hpo.results.results import StudyResults
from hpo.study.names import DEFAULT

HONESTY = (
    "Adaptation, search and report use three disjoint sets of frames. The best of the confirmed configurations is "
    "chosen by its mean over the same fresh seeds on the frames of the search (split val), not on these frames "
    "(split test)."
)


@dataclass(frozen=True)
class Conclusion:
    """Headline and details of the conclusion."""

    headline: str
    detail: str


def best_run(confirmation: Confirmation | None) -> Confirmed | None:
    """Returns the best confirmed configuration; None if there is none."""
    if confirmation is None:
        return None
    return next((run for run in confirmation.runs if run.name == confirmation.best), None)


def hardest(confirmation: Confirmation) -> str:
    """Returns the label of the visit with the lowest mIoU of the first baseline (the source model, unless it
    failed).
    """
    miou = confirmation.runs[0].miou
    return min(miou, key=lambda label: miou[label].value)


def conclusion(results: StudyResults) -> Conclusion:
    """Summarizes whether adaptation helps, by how much, and with which confidence."""
    best = best_run(results.confirmed)
    if best is None or results.confirmed is None:
        return _unconfirmed(results)
    if not results.confirmed.is_scored:
        return _without_labels(results, best, results.confirmed)
    seeds = "one fresh seed" if len(best.seeds) == 1 else f"{len(best.seeds)} fresh seeds"
    models = len(results.confirmed.source_models)
    seeds += f" on each of {models} source models" if models else ""
    where = hardest(results.confirmed)
    stream = "the visits to domains with labels" if _where(results, best) else "the stream"
    shown = [name for name in best.gain if not (name == DEFAULT and is_default(best, results.confirmed))]
    others = {name: best.gain[name] for name in shown}
    at_worst = {name: best.miou_gain[name][where] for name in others}
    whole = f"{title(best.name).capitalize()} reaches {_share(best.scored_miou)} over {stream}"
    frames = "the frames of the search" if ONE_SPLIT in results.caveats else "frames that the search never saw"
    sentences = [
        *([] if results.source is None or results.source.works else [SOURCE_CURE]),
        f"{whole}, with {seeds} on {frames}{_compared(others)}.",
        f"In {where}, the hardest domain, it reaches {_share(best.miou[where])}{_compared(at_worst)}.",
        *source_model_sentences(results.confirmed),
        *online_sentences(results, best),
        *domain_sentences(best, results),
        *batch_norm_sentence(best, results.confirmed),
        f"Brackets show {100 * results.confirmed.confidence:.0f} % {_kind(results.confirmed)}intervals.",
        *(
            f"Not compared with {long_title(name)}: its confirmation failed."
            for name in (*results.references, DEFAULT)
            if name not in best.gain
        ),
        *results.caveats,
        *_foremost(results.confirmed),
        *rests_on(results),
        *broken_by(best),
        *passed_over(results),
        *_of_front(results),
        *([_SOURCE_UNKNOWN] if results.source is None and not results.is_external else []),
    ]
    return Conclusion(headline(best, results, results.confirmed, _where(results, best)), " ".join(sentences))


def _without_labels(results: StudyResults, best: Confirmed, confirmation: Confirmation) -> Conclusion:
    """Returns the conclusion of a study of which no visited domain has labels, which claims no gain."""
    works = results.source is None or results.source.works
    found = unknown_headline(results, best, confirmation)
    if results.source is not None and not works:
        found = f"No answer. {source_sentence(results.source)}"
    elif not any(run.name in results.references for run in confirmation.runs):
        found = NO_BASELINE
    sentences = [
        *([] if works else [SOURCE_CURE]),
        objective_sentence(results, best, confirmation),
        *online_sentences(results, best),
        *rests_on(results),
        *broken_by(best),
        *passed_over(results),
        *_of_front(results),
        *([_SOURCE_UNKNOWN] if results.source is None else []),
    ]
    return Conclusion(found, " ".join(sentences))


def _where(results: StudyResults, best: Confirmed) -> str:
    """Returns the domains that a statement on adaptation is restricted to; empty if all visited domains have labels."""
    pairs = zip(results.labels, results.visits, strict=True)
    known = list(dict.fromkeys(domain for label, domain in pairs if label in best.miou))
    return f" in {listed(known)}" if len(known) < len(set(results.visits)) else ""


def search_line(results: StudyResults) -> str:
    """Summarizes the search in one line: numbers of trials, range of results, and duration."""
    completed = results.completed()
    feasible = [trial for trial in completed if trial.is_feasible]
    parts = [trials_line(results.budget)]
    if results.limits and completed:
        parts.append(f"{len(feasible)} of {len(completed)} complete keep every constraint")
    values = [trial.values[0] for trial in feasible]
    if values:
        metric, low, high = results.objectives[0], min(values), max(values)
        unit = " points" if metric_value(metric, 1.0) == "100.0" else ""
        parts.append(
            f"{metric_name(metric)} {metric_value(metric, low)} to {metric_value(metric, high)} "
            f"(spread {metric_value(metric, high - low)}{unit})"
        )
    parts.append(f"{clock(results.search_seconds)} in all")
    return "; ".join([", ".join(parts), *([] if results.exhausted is None else [results.exhausted])])


def _foremost(confirmation: Confirmation) -> list[str]:
    """Returns a sentence on the configuration that is best on the reported frames, if it is not the chosen one."""
    values = {run.name: run.scored_miou.value for run in confirmation.runs}
    first, best = confirmation.by_mean, confirmation.best
    if first is None or best is None or values[first] <= values[best]:
        return []
    return [f"By the mean on these frames {title(first)} is better, but these frames are not used to choose."]


def _share(miou: Estimate) -> str:
    return f"{tenths(miou.value)} % mIoU ({interval(miou)})"


def _compared(gain: Mapping[str, Estimate]) -> str:
    gains = listed([f"{points(estimate)} points over {long_title(name)}" for name, estimate in gain.items()])
    return f": {gains}" if gains else ""


def _kind(confirmation: Confirmation) -> str:
    return "" if confirmation.rests_on == "seeds" else "bootstrap "


def _of_front(results: StudyResults) -> list[str]:
    """Returns a sentence on a Pareto front of several trials."""
    if len(results.front) < 2 or results.confirmed is None:
        return []
    count = len(results.front)
    confirmed = sum(run.trial in results.front for run in results.confirmed.runs if run.name != DEFAULT)
    sentence = (
        f"With {len(results.objectives)} objectives no trial is the best in all. Trials on the Pareto front: {count}; "
        f"confirmed: {confirmed}. The figures here are of the best by {metric_name(results.objectives[0])}."
    )
    return [sentence]


def _unconfirmed(results: StudyResults) -> Conclusion:
    unconfirmed = results.best is not None and results.confirms and results.confirmed is None and not results.failures
    is_open = results.budget.left or unconfirmed
    reason = results.no_answer or f"{counted(results.budget.left, 'trial')} left"
    found = f"No answer{' yet' if is_open else ''}: {reason}."
    failures = [_SEE_FAILURES] if results.failed() else []
    if results.best is None:
        again = ["Run the same command again to resume."] if is_open else []
        return Conclusion(found, " ".join([*again, *passed_over(results), *failures]))
    name = f"Trial {results.best.number}"
    details = [f"{name} leads the search, with one seed on the frames of the search: not a final result."]
    if results.source is not None and not results.source.works:
        details += [source_sentence(results.source), SOURCE_CURE]
    details += rests_on(results)
    if not is_open and results.no_answer is None:
        found = f"{name} leads the search; nothing is confirmed (confirm.top is 0)."
    return Conclusion(found, " ".join([*failures, *details, *passed_over(results)]))


SOURCE_CURE = (
    "Differences between configurations of a model that does not work mean nothing. Train a source model on this "
    "domain (pretrain in the study file), or choose another one (run.model.checkpoint)."
)
_SOURCE_UNKNOWN = "Whether the source model works on its own domain is not known: no run is scored there."
_SEE_FAILURES = "The reasons are listed under Failures."
