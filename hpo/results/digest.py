"""What the results of a study keep of each trial's records: the records of many trials would take gigabytes."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from hpo.config.objectives import METRICS, RUNG_VALUES, label_free_score
from segada.records import RunReport, VisitRecord


@dataclass(frozen=True, slots=True)
class Visits:
    """The visits of a trial, as far as it came."""

    miou: tuple[float, ...]
    """On the domain being visited, visit by visit."""
    frames: int
    """Passed over in all of them."""
    scores: tuple[str, ...]
    """Label-free scores that any of them has."""

    @classmethod
    def of(cls, records: Sequence[VisitRecord]) -> Self:
        """Of the records of a trial, which may have none yet."""
        scores = dict.fromkeys(sys.intern(name) for record in records for name in record.label_free)
        return cls(
            tuple(record.visited_miou for record in records), sum(record.frames for record in records), tuple(scores)
        )


@dataclass(frozen=True, slots=True)
class Report:
    """A trial that ran to its end."""

    mean_miou: float
    gain: float
    """Over the source model, over the whole stream."""
    gains: tuple[float, ...]
    """Of each visit, on the domain being visited."""
    rungs: dict[str, tuple[float, ...]]
    """Values after one visit, after two and so on, by the keys of `objectives.RUNG_VALUES`."""
    label_free: dict[str, float]
    """Means over visits, of scores that any visit has; NaN where another visit lacks it."""
    frames_per_second: float

    @classmethod
    def of(cls, report: RunReport) -> Self:
        """Of the report of a trial."""
        visits, before = report.visits, report.source_only
        route = [visit.domain for visit in visits]
        counts = range(1, len(visits) + 1)
        return cls(
            mean_miou=report.mean_miou,
            gain=report.gain,
            gains=tuple(visit.visited_miou - before[visit.domain] for visit in visits),
            rungs={
                name: tuple(value(visits[:count], before, route) for count in counts)
                for name, value in RUNG_VALUES.items()
            },
            label_free={name: label_free_score(report, name) for name in Visits.of(visits).scores},
            frames_per_second=METRICS["frames_per_second"](report) if visits else 0.0,
        )
