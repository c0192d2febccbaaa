"""What the folders of runs tell of how far they are, read while the runs go on."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from segada.artifacts.run_files import REPORT, read_visits

RECENT = 600.0
"""Seconds over which visits are counted for their rate."""
RUNS = ("baselines/*", "trials/*", "confirmation/*")
"""Folders of runs in that of a study."""

_DAY_AND_TIME = "%Y-%m-%d %H:%M:%S"
_TIME_LENGTH = len("2026-01-01 00:00:00")


@dataclass(frozen=True)
class RunProgress:
    """A run's folder, as far as it has got.

    Attributes:
        visits: That are done.
        miou: Mean over them of the mIoU on the domain being visited; None before the first.
        begun: When the run began, in seconds since 1970; None if it has not.
        is_over: Whether it has its report.
    """

    visits: int
    miou: float | None
    begun: float | None
    is_over: bool


def progress_of(folder: Path) -> RunProgress:
    """The trace of a run in a folder, which may be missing."""
    # Of damaged ones those before the damage; the run will mend it when it goes on.
    visits = read_visits(folder).value
    miou = sum(visit.visited_miou for visit in visits) / len(visits) if visits else None
    begun = next((moment for moment, _ in _log(folder / "log.txt")), None)
    return RunProgress(len(visits), miou, begun, (folder / REPORT).exists())


def visits_per_minute(out: Path, now: float) -> float | None:
    """Of all runs of a study over the last ten minutes, or since its first run began; None if none ended then."""
    ends: list[float] = []
    first = now
    for pattern in RUNS:
        for path in out.glob(f"{pattern}/log.txt"):
            # Most runs of a long study are over for long.
            if now - path.stat().st_mtime < RECENT:
                lines = list(_log(path))
                first = min(first, *(moment for moment, _ in lines), now)
                ends += [moment for moment, line in lines if line.startswith("visit ") and now - moment < RECENT]
    seconds = min(now - first, RECENT)
    return 60 * len(ends) / seconds if ends and seconds > 0 else None


def _log(path: Path) -> Iterator[tuple[float, str]]:
    """Moments in seconds since 1970, and what was noted."""
    for line in _lines(path):
        try:
            moment = time.mktime(time.strptime(line[:_TIME_LENGTH], _DAY_AND_TIME))
        except ValueError:
            continue
        yield moment, line[_TIME_LENGTH + 1 :]


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.is_file() else []
