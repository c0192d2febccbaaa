"""Digest of each trial's records; the full records of many trials would take gigabytes."""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from hpo.config.objectives import METRICS, label_free_score
from hpo.config.rung_values import RUNG_VALUES
from segada.records import RunReport, VisitRecord


@dataclass(frozen=True, slots=True)
class Visits:
    """Completed visits of a trial."""

    miou: tuple[float, ...]
    """Mean IoU on the visited domain, by visit."""
    frames: int
    """Number of frames adapted on in all visits."""
    scores: tuple[str, ...]
    """Names of the label-free scores that any visit has."""

    @classmethod
    def of(cls, records: Sequence[VisitRecord]) -> Self:
        """Builds the digest of a trial's records, which may be empty."""
        scores = dict.fromkeys(sys.intern(name) for record in records for name in record.label_free)
        return cls(
            tuple(record.visited_miou for record in records), sum(record.frames for record in records), tuple(scores)
        )


@dataclass(frozen=True, slots=True)
class Report:
    """Digest of the report of a completed trial."""

    mean_miou: float
    gain: float
    """Gain over the source model, over the whole stream."""
    gains: tuple[float, ...]
    """Gain of each visit, on the visited domain."""
    rungs: dict[str, tuple[float, ...]]
    """Values after one visit, after two and so on, by the keys of `rung_values.RUNG_VALUES`."""
    label_free: dict[str, float]
    """Means over visits of all label-free scores that any visit has; NaN if another visit lacks the score."""
    label_free_scored: dict[str, float]
    """The same over the visits to domains with labels alone, whose mean mIoU is `mean_miou`; empty without such
    visits."""
    elsewhere: dict[str, float]
    """mIoU at the end by domain, of the domains with labels that are not visited."""
    frames_per_second: float

    @classmethod
    def of(cls, report: RunReport) -> Self:
        """Builds the digest of a trial's report."""
        visits, before = report.visits, report.source_only
        route = [visit.domain for visit in visits]
        counts = range(1, len(visits) + 1)
        scores = Visits.of(visits).scores
        scored = report.model_copy(update={"visits": [visit for visit in visits if visit.is_scored]})
        return cls(
            mean_miou=report.mean_miou,
            gain=report.gain,
            gains=tuple(visit.visited_miou - before.get(visit.domain, math.nan) for visit in visits),
            rungs={
                name: tuple(value(visits[:count], before, route) for count in counts)
                for name, value in RUNG_VALUES.items()
            },
            label_free={name: label_free_score(report, name) for name in scores},
            label_free_scored={name: label_free_score(scored, name) for name in scores} if scored.visits else {},
            elsewhere={name: value for name, value in visits[-1].miou.items() if name not in route} if visits else {},
            frames_per_second=METRICS["frames_per_second"](report) if visits else 0.0,
        )
