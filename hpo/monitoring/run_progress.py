"""Progress of runs, read from their folders while they are running."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from segada.artifacts.run_files import read_visits
from segada.core.run_names import REPORT

RECENT = 600.0
"""Seconds over which visits are counted for their rate."""
RUNS = ("baselines/*", "trials/*", "confirmation/*")
"""Patterns of run folders in a study's folder."""

_DAY_AND_TIME = "%Y-%m-%d %H:%M:%S"
_TIME_LENGTH = len("2026-01-01 00:00:00")


@dataclass(frozen=True)
class RunProgress:
    """Progress of a run.

    Attributes:
        visits: Number of completed visits.
        miou: Mean mIoU on the visited domains; None before the first visit.
        begun: Start time in seconds since 1970; None if the run has not started.
        is_over: True if the run has a report.
    """

    visits: int
    miou: float | None
    begun: float | None
    is_over: bool


def progress_of(folder: Path) -> RunProgress:
    """Reads the progress of a run from its folder, which may be missing."""
    # In a damaged file only the visits before the damage count; the run repairs it when it resumes.
    visits = read_visits(folder).value
    scored = [visit.visited_miou for visit in visits if visit.is_scored]
    miou = sum(scored) / len(scored) if scored else None
    begun = next((moment for moment, _ in _log(folder / "log.txt")), None)
    return RunProgress(len(visits), miou, begun, (folder / REPORT).exists())


def visits_per_minute(out: Path, now: float) -> float | None:
    """Returns the rate of visits of all runs over the last ten minutes, or since the first run started; None if none
    ended then.
    """
    ends: list[float] = []
    first = now
    for pattern in RUNS:
        for path in out.glob(f"{pattern}/log.txt"):
            # Most runs of a long study ended long ago.
            if now - path.stat().st_mtime < RECENT:
                lines = list(_log(path))
                first = min(first, *(moment for moment, _ in lines), now)
                ends += [moment for moment, line in lines if line.startswith("visit ") and now - moment < RECENT]
    seconds = min(now - first, RECENT)
    return 60 * len(ends) / seconds if ends and seconds > 0 else None


def _log(path: Path) -> Iterator[tuple[float, str]]:
    """Yields the time of each log line in seconds since 1970, and its text."""
    for line in _lines(path):
        try:
            moment = time.mktime(time.strptime(line[:_TIME_LENGTH], _DAY_AND_TIME))
        except ValueError:
            continue
        yield moment, line[_TIME_LENGTH + 1 :]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
