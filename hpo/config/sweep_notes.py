"""Notes on a W&B sweep: what may mean something else than its author thinks, and what is not used."""

import math
from collections.abc import Callable, Iterator, Sequence

from hpo.config.sweep_entries import (
    EXPONENTS,
    Entry,
    Found,
    draws_whole_numbers,
    entries,
    exponents_said,
    is_number,
    whole_said,
)
from segada.settings.files import Document
from segada.settings.nested import Tree

DECADES = 1000.0
"""Ratio of the ends of an even range from which on nearly all draws lie in the last decade."""


def sweep_notes(document: Document) -> list[str]:
    """Returns a line for each part of a sweep that may mean something else than its author thinks, or is not used."""
    found = [found for entry in entries(document.tree) for note in _NOTES for found in note(entry)]
    return [str(document.error(place, text)) for place, text in [*found, *_notes_on_sweep(document.tree)]]


def _exponents_noted(entry: Entry) -> Iterator[Found]:
    if entry.kind in EXPONENTS and entry.ends is not None:
        yield entry.source, exponents_said(entry.kind, *entry.ends)


def _whole_noted(entry: Entry) -> Iterator[Found]:
    if draws_whole_numbers(entry) and entry.ends is not None:
        yield entry.source, whole_said(entry, entry.ends)


def _decades_noted(entry: Entry) -> Iterator[Found]:
    if entry.kind == "uniform" and entry.ends is not None and 0 < DECADES * entry.ends[0] <= entry.ends[1]:
        most = f"uniform draws nine of ten values above {entry.ends[1] / 10:g}"
        yield entry.source, f"{most}; for all orders of magnitude alike write distribution: log_uniform_values"


def _steps_noted(entry: Entry) -> Iterator[Found]:
    step = entry.given.get("q")
    if step is not None and entry.kind and not entry.kind.startswith("q_"):
        yield (*entry.source, "q"), f"has no effect in {entry.kind}; write distribution: q_uniform"
    if entry.kind == "q_uniform" and entry.ends is not None and is_number(step) and step > 0:
        low, high = (round(end / step) * step for end in entry.ends)
        if not (math.isclose(low, entry.ends[0], abs_tol=1e-12) and math.isclose(high, entry.ends[1])):
            yield entry.source, f"q_uniform draws multiples of q: {step:g}, from {low:g} to {high:g}"


_NOTES: Sequence[Callable[[Entry], Iterator[Found]]] = (_exponents_noted, _whole_noted, _decades_noted, _steps_noted)


def _notes_on_sweep(tree: Tree) -> Iterator[Found]:
    hyperband, metric = tree.get("early_terminate"), tree.get("metric")
    if isinstance(hyperband, dict):
        yield ("early_terminate",), "counts visits of a run here, and at W&B whatever a run logs"
        if "min_iter" in hyperband and {"max_iter", "s"} & hyperband.keys():
            yield ("early_terminate",), "has min_iter, so that max_iter and s have no effect"
        if "strict" in hyperband:
            yield ("early_terminate", "strict"), "is not used: every run at a rung is compared with all before it"
    if metric is None:
        yield ("method",), "there is no metric: mean_miou is maximized"
    for key in ("target", "impute", "impute_while_running"):
        if isinstance(metric, dict) and key in metric:
            yield ("metric", key), "is not used: a study ends with its budget, and a failed trial has no value"
