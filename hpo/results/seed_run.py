"""Confirmation runs, read from their folders."""

from dataclasses import dataclass
from pathlib import Path

from hpo.results.spread import Scored
from hpo.statistics.recordings import Recordings
from segada.artifacts.run_files import read_areas, read_online, read_recordings, read_report
from segada.metrics import Areas
from segada.records import RunReport


@dataclass(frozen=True)
class SeedRun:
    """Confirmation run: its report and, per visit, the areas of the visited domain's held-out frames; empty for an
    external engine that writes none.
    """

    report: RunReport
    areas: tuple[Areas, ...]
    recordings: tuple[Recordings, ...] = ()
    """Recordings of the frames, per visit; empty if unknown: the frames of a visit are then taken for one recording."""

    online: tuple[Scored, ...] = ()
    """Frames of each visit that were predicted before they were learned from; empty if the run has no such areas."""

    def scored(self, visit: int) -> Scored:
        """Returns the frames of a visit, of which there are areas."""
        areas = self.areas[visit]
        return Scored(areas, self.recordings[visit] if self.recordings else Recordings((len(areas),)))


def read_seed_run(folder: Path, *, has_areas: bool = True) -> SeedRun | None:
    """Reads a finished confirmation run; None before its end, or if its files are damaged.

    Args:
        folder: folder of the run.
        has_areas: False if the engine of the study writes no areas.
    """
    report, areas, online = read_report(folder).value, read_areas(folder).value, read_online(folder)
    if online.damage is not None:
        return None
    is_whole = report is not None and (len(areas) == len(report.visits) or not (areas or has_areas))
    recordings = tuple(map(Recordings.of, read_recordings(folder).value))
    frames = tuple(Scored(some, Recordings.of(numbers)) for some, numbers in online.value)
    return SeedRun(report, areas, recordings, frames) if report is not None and is_whole else None
