"""Conclusion of a study in plain sentences, for the report and the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass

from hpo.reporting.budget import trials_line
from hpo.reporting.feasibility import passed_over
from hpo.reporting.wording import LONG_TITLES, clock, interval, listed, metric_name, metric_value, points, tenths, title
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
    seeds = f"{len(best.seeds)} fresh seeds" if len(best.seeds) > 1 else "one fresh seed"
    where = hardest(results.confirmed)
    is_default = _is_default(best, results.confirmed)
    others = {name: gain for name, gain in best.gain.items() if not (is_default and name == DEFAULT)}
    at_worst = {name: best.miou_gain[name][where] for name in others}
    whole = f"{title(best.name).capitalize()} reaches {_share(best.mean_miou)} over the stream"
    sentences = [
        f"{whole}, with {seeds} on frames that the search never saw{_compared(others)}.",
        *(["It is the default configuration: the search found none better."] if is_default else []),
        f"In {where}, the hardest domain, it reaches {_share(best.miou[where])}{_compared(at_worst)}.",
        f"Brackets show {100 * results.confirmed.confidence:.0f} % bootstrap intervals.",
        *(
            f"Not compared with {LONG_TITLES[name]}: its confirmation failed."
            for name in LONG_TITLES
            if name not in best.gain
        ),
        *_foremost(results.confirmed),
        *passed_over(results),
    ]
    baselines = {name: gain for name, gain in best.gain.items() if name != DEFAULT}
    return Conclusion(_headline(baselines), " ".join(sentences))


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
    return ", ".join([*parts, f"{clock(results.search_seconds)} in all"])


def _is_default(best: Confirmed, confirmation: Confirmation) -> bool:
    return any(run.name == DEFAULT and run.trial == best.trial for run in confirmation.runs)


def _foremost(confirmation: Confirmation) -> list[str]:
    """Returns a sentence on the configuration that is best on the reported frames, if it is not the chosen one."""
    values = {run.name: run.mean_miou.value for run in confirmation.runs}
    first, best = confirmation.by_mean, confirmation.best
    if first is None or best is None or values[first] <= values[best]:
        return []
    return [f"By the mean on these frames {title(first)} is better, but these frames are not used to choose."]


def _share(miou: Estimate) -> str:
    return f"{tenths(miou.value)} % mIoU ({interval(miou)})"


def _compared(gain: Mapping[str, Estimate]) -> str:
    gains = listed([f"{points(estimate)} points over {LONG_TITLES[name]}" for name, estimate in gain.items()])
    return f": {gains}" if gains else ""


def _headline(gain: Mapping[str, Estimate]) -> str:
    if not gain:
        return "No answer: no baseline was confirmed, so no comparison is possible."
    worse = [LONG_TITLES[name] for name, estimate in gain.items() if estimate.high < 0]
    unsure = [LONG_TITLES[name] for name, estimate in gain.items() if estimate.low <= 0 <= estimate.high]
    if worse:
        return f"Adaptation does not help: the best configuration is worse than {listed(worse)}."
    if unsure:
        return f"Adaptation is not shown to help: the best configuration cannot be distinguished from {listed(unsure)}."
    return f"Adaptation helps: the best configuration beats {listed([LONG_TITLES[name] for name in gain])}."


def _unconfirmed(results: StudyResults) -> Conclusion:
    if results.best is None and results.budget.left:
        return Conclusion(f"No answer yet: {results.no_answer}.", "Run the same command again to resume.")
    if results.best is None:
        reasons = [_SEE_FAILURES] if results.failed() else []
        return Conclusion(f"No answer: {results.no_answer}.", " ".join([*passed_over(results), *reasons]))
    leader = (
        f"Trial {results.best.number} leads the search, with one seed on the frames of the search: not a final result."
    )
    details = " ".join([leader, *passed_over(results)])
    if not results.confirms:
        return Conclusion(f"Trial {results.best.number} leads; nothing is confirmed (confirm.top is 0).", details)
    if results.confirmed is not None or results.failures:
        return Conclusion(f"No answer: {results.no_answer}.", f"{_SEE_FAILURES} {details}")
    return Conclusion(f"No answer yet: {results.no_answer}.", details)


_SEE_FAILURES = "The reasons are listed under Failures."
