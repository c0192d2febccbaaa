"""Domains in which a configuration gains over the source model, loses, or differs too little to tell."""

from collections.abc import Sequence
from typing import Final

from hpo.reporting.wording import listed, long_title, points
from hpo.results.confirmation import Confirmed, Estimate, Kind
from hpo.results.results import StudyResults
from hpo.study.names import SOURCE_ONLY

KINDS: Final[tuple[Kind, ...]] = ("photographed", "rendered")


def domains_of(kind: Kind, results: StudyResults) -> list[str]:
    """Returns the visited domains of a kind that have labels, in order of first appearance."""
    return [domain for domain in results.scored if (domain in results.rendered) == (kind == "rendered")]


def domain_sentences(best: Confirmed, results: StudyResults) -> list[str]:
    """Returns a sentence with the domains that gain, that lose, and that cannot be told, by their intervals after the
    last visit; one for each kind of domain if both are visited, with the mean of the kind. None without the source
    model.
    """
    if SOURCE_ONLY not in best.miou_gain:
        return []
    # A later visit to a domain replaces the gain after an earlier one.
    pairs = zip(results.labels, results.visits, strict=True)
    gains = {domain: best.miou_gain[SOURCE_ONLY][label] for label, domain in pairs if label in best.miou}
    over = f"over {long_title(SOURCE_ONLY)}"
    if not best.gain_by_kind:
        return [f"By domain, {over}, it {_verdicts(gains)}."]
    return [
        _of_kind(kind, best, {name: gains[name] for name in domains_of(kind, results) if name in gains}, over)
        for kind in KINDS
    ]


def _of_kind(kind: Kind, best: Confirmed, gains: dict[str, Estimate], over: str) -> str:
    mean = best.gain_by_kind[kind][SOURCE_ONLY]
    return f"In {kind} domains it has {points(mean)} points {over}; it {_verdicts(gains)}."


def _verdicts(gains: dict[str, Estimate]) -> str:
    groups: Sequence[tuple[str, list[str]]] = (
        ("gains in", [name for name, gain in gains.items() if gain.low > 0]),
        ("loses in", [name for name, gain in gains.items() if gain.high < 0]),
        ("is too close to tell in", [name for name, gain in gains.items() if gain.low <= 0 <= gain.high]),
    )
    return listed([f"{verb} {listed(names)}" for verb, names in groups if names])
