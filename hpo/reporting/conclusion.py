"""The answer of a study in plain sentences, for the report and the terminal."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from hpo.reporting.wording import clock, interval, metric_name, metric_value, points, tenths, title
from hpo.results.confirmation import Confirmation, Confirmed, Estimate
from hpo.results.results import StudyResults
from hpo.study.names import DEFAULT

_LONG = {
    "source_only": "the untouched source model",
    "batch_norm": "batch-norm re-estimation",
    DEFAULT: "the default configuration",
}

HONESTY = (
    "Adapted on, selected on and reported on are three disjoint sets of frames; which of the confirmed configurations "
    "is the best was decided by their mean over the same fresh seeds on the frames of the search, not by these."
)


@dataclass(frozen=True)
class Verdict:
    """What the report opens with."""

    headline: str
    detail: str


def best_run(confirmation: Confirmation | None) -> Confirmed | None:
    """The best confirmed configuration, if one came through."""
    if confirmation is None:
        return None
    return next((run for run in confirmation.runs if run.name == confirmation.best), None)


def hardest(confirmation: Confirmation) -> str:
    """Label of the visit at which the first of the baselines, the source model if it came through, does worst."""
    miou = confirmation.runs[0].miou
    return min(miou, key=lambda label: miou[label].value)


def conclusion(results: StudyResults) -> Verdict:
    """Says whether adapting helps, by how much, and how sure that is."""
    best = best_run(results.confirmation)
    if best is None or results.confirmation is None:
        return _unconfirmed(results)
    seeds = f"{len(best.seeds)} fresh seeds" if len(best.seeds) > 1 else "one fresh seed"
    where = hardest(results.confirmation)
    is_default = _is_default(best, results.confirmation)
    others = {name: gain for name, gain in best.gain.items() if not (is_default and name == DEFAULT)}
    at_worst = {name: best.miou_gain[name][where] for name in others}
    whole = f"{title(best.name).capitalize()} reaches {_share(best.mean_miou)} over the stream"
    sentences = [
        f"{whole}, with {seeds} on frames that the search never saw{_compared(others)}.",
        *(["It is the default configuration: the search found none that comes before it."] if is_default else []),
        f"In {where}, the hardest domain, it reaches {_share(best.miou[where])}{_compared(at_worst)}.",
        f"In brackets: {100 * results.confirmation.confidence:.0f} % bootstrap intervals.",
        *(f"Not compared with {_LONG[name]}: its confirmation failed." for name in _LONG if name not in best.gain),
        *_foremost(results.confirmation),
    ]
    baselines = {name: gain for name, gain in best.gain.items() if name != DEFAULT}
    return Verdict(_headline(baselines), " ".join(sentences))


def search_line(results: StudyResults) -> str:
    """What was searched, how wide its results spread and how long it took, in one line."""
    states = Counter(trial.state for trial in results.trials)
    open_trials = sum(states.values()) - states["complete"] - states["pruned"] - states["fail"]
    counts = f"{states['complete']} complete, {states['pruned']} pruned, {states['fail']} failed"
    parts = [f"{len(results.trials)} trials ({counts}{f', {open_trials} not over' if open_trials else ''})"]
    values = [trial.values[0] for trial in results.completed()]
    if values:
        metric, low, high = results.objectives[0], min(values), max(values)
        unit = " points" if metric_value(metric, 1.0) == "100.0" else ""
        parts.append(
            f"{metric_name(metric)} {metric_value(metric, low)} to {metric_value(metric, high)} "
            f"(spread {metric_value(metric, high - low)}{unit})"
        )
    return ", ".join([*parts, f"{clock(results.search_seconds)} in all"])


def _is_default(best: Confirmed, confirmation: Confirmation) -> bool:
    return any(run.name == DEFAULT and run.trial == best.trial for run in confirmation.runs)


def _foremost(confirmation: Confirmation) -> list[str]:
    """What leads on the reported frames, if that is not what was picked."""
    values = {run.name: run.mean_miou.value for run in confirmation.runs}
    first, best = confirmation.by_mean, confirmation.best
    if first is None or best is None or values[first] <= values[best]:
        return []
    return [f"By the mean on these frames {title(first)} comes before it, which nothing is chosen by."]


def _share(miou: Estimate) -> str:
    return f"{tenths(miou.value)} % mIoU ({interval(miou)})"


def _compared(gain: Mapping[str, Estimate]) -> str:
    said = [f"{points(estimate)} points over {_LONG[name]}" for name, estimate in gain.items()]
    listed = said if len(said) < 2 else [", ".join(said[:-1]), said[-1]]
    return f": {' and '.join(listed)}" if listed else ""


def _headline(gain: Mapping[str, Estimate]) -> str:
    if not gain:
        return "No answer: no baseline was confirmed, so there is nothing to compare with."
    worse = [_LONG[name] for name, estimate in gain.items() if estimate.high < 0]
    unsure = [_LONG[name] for name, estimate in gain.items() if estimate.low <= 0 <= estimate.high]
    if worse:
        return f"Adapting does not help: the best configuration is worse than {' and '.join(worse)}."
    if unsure:
        return f"Not shown to help: the best configuration cannot be told apart from {' and '.join(unsure)}."
    return f"Adapting helps: the best configuration beats {' and '.join(_LONG[name] for name in gain)}."


def _unconfirmed(results: StudyResults) -> Verdict:
    completed = results.completed()
    if not completed:
        return _nothing_completed(results)
    leader = (
        f"Trial {completed[0].number} leads the search, with one seed on the frames it was chosen by: not a result."
    )
    if results.confirmation is not None:
        return Verdict("No answer: every configuration failed under a fresh seed.", f"{_SEE_FAILURES} {leader}")
    if results.failures:
        return Verdict("No answer: nothing is confirmed, and runs failed.", f"{_SEE_FAILURES} {leader}")
    return Verdict("No answer yet: nothing is confirmed.", leader)


def _nothing_completed(results: StudyResults) -> Verdict:
    failed = [trial for trial in results.trials if trial.state == "fail"]
    if failed and len(failed) == len(results.trials):
        return Verdict(f"No answer: every trial failed ({len(failed)} of {len(failed)}).", _SEE_FAILURES)
    return Verdict("No answer yet: no trial has completed.", "Run the same command again to go on.")


_SEE_FAILURES = "The reasons stand under Failures."
