"""Gains of an external engine's runs, which are counted from a baseline: they do not score the source model."""

from collections.abc import Sequence

import numpy as np

from segada.records import RunReport, VisitRecord


def over(report: RunReport, reference: RunReport | None) -> RunReport:
    """Returns a report with the gain over a baseline on the same frames in place of that over the source model.

    A report of `segada` has scored the source model itself and is returned as it is.

    Args:
        report: report of a run.
        reference: report of the study's first baseline; None if it is not over, or there is none.
    """
    if report.source_only or reference is None:
        return report
    source_only = _by_domain(reference.visits)
    known = [source_only[visit.domain] for visit in report.visits if visit.domain in source_only]
    mean = float(np.mean(known)) if known else float("nan")
    changes = {"source_only": source_only, "source_only_mean_miou": mean, "gain": report.mean_miou - mean}
    return report.model_copy(update=changes)


def _by_domain(visits: Sequence[VisitRecord]) -> dict[str, float]:
    """Returns the mean mIoU of each domain over its visits."""
    domains = dict.fromkeys(visit.domain for visit in visits if visit.is_scored)
    return {
        domain: float(np.mean([visit.visited_miou for visit in visits if visit.domain == domain and visit.is_scored]))
        for domain in domains
    }
