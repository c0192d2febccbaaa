"""The answer of a study in plain sentences, for the report and the terminal."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from hpo.confirm import Confirmation, Confirmed, Estimate
from hpo.results import StudyResults

TITLES = {"source_only": "source only", "batch_norm": "batch norm"}
"""Baselines as a person calls them."""

_LONG = {"source_only": "the untouched source model", "batch_norm": "batch-norm re-estimation"}


@dataclass(frozen=True)
class Verdict:
    """What the report opens with."""

    headline: str
    detail: str


def title(name: str) -> str:
    """A run's name as a person writes it."""
    return TITLES.get(name, name)


def points(estimate: Estimate, signed: bool = True) -> str:
    """An estimate in mIoU points with its interval: `+3.2 (2.1 to 4.4)`."""
    return f"{tenths(estimate.value, '+' if signed else '-')} ({tenths(estimate.low)} to {tenths(estimate.high)})"


def tenths(value: float, sign: Literal["+", "-"] = "-") -> str:
    """A fraction in points with one decimal, never `-0.0`; `sign` as in format strings."""
    # Adding zero turns a negative zero into a positive one.
    return f"{round(100 * value, 1) + 0.0:{sign}.1f}"


def best_run(confirmation: Confirmation | None) -> Confirmed | None:
    """The best confirmed configuration, if one came through."""
    if confirmation is None:
        return None
    return next((run for run in confirmation.runs if run.name == confirmation.best), None)


def verdict(results: StudyResults) -> Verdict:
    """Says whether adapting helps, by how much, and how sure that is."""
    best = best_run(results.confirmation)
    if best is None:
        return _unconfirmed(results)
    seeds = f"{len(best.seeds)} fresh seeds" if len(best.seeds) > 1 else "one fresh seed"
    compared = " and ".join(f"{points(gain)} points over {_LONG[name]}" for name, gain in best.gain.items())
    detail = (
        f"{title(best.name).capitalize()} reaches {points(best.mean_miou, signed=False)} mIoU over the stream, with "
        f"{seeds} on frames that the search never saw: {compared}. In brackets: 95 % bootstrap intervals."
    )
    return Verdict(_headline(best.gain), detail)


def _headline(gain: Mapping[str, Estimate]) -> str:
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
        return Verdict("No answer yet: no trial has completed.", "Run the same command again to go on.")
    if results.confirmation is not None:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in results.confirmation.failures.items())
        return Verdict("No answer: every configuration failed under a fresh seed.", reasons)
    return Verdict(
        "No answer yet: nothing is confirmed.",
        f"Trial {completed[0].number} leads the search, with one seed on the frames it was chosen by: not a result.",
    )
