"""Times of a run of an external engine, and the limits on them."""

import time
from pathlib import Path

from hpo.config.program import ProgramRun
from segada.core.run_names import LOG


class Watch:
    """Times of a run since its program started."""

    def __init__(self, run: ProgramRun, folder: Path) -> None:
        self._limits = run.limits
        self._log = folder / LOG
        self._sizes: dict[str, int] = {}
        self.begin()

    def begin(self) -> None:
        """Starts all clocks."""
        self._begun = self._heard = self._last = time.monotonic()
        self._visits = 0

    def lap(self) -> float:
        """Returns the seconds since the last visit."""
        now = time.monotonic()
        elapsed, self._last = now - self._last, now
        return elapsed

    def has_more(self, path: Path, asker: str = "reader") -> bool:
        """Returns True if a file has grown or shrunk since the same asker's last call."""
        size = path.stat().st_size if path.exists() else 0
        changed = self._sizes.get(asker, 0) != size
        self._sizes[asker] = size
        return changed

    def beyond(self, visits: int) -> str | None:
        """Returns which limit of time the run has passed; None if none.

        Args:
            visits: number of visits so far.
        """
        now = time.monotonic()
        if visits != self._visits or self.has_more(self._log, "limits"):
            self._heard, self._visits = now, visits
        limit, silent = self._limits.hours, self._limits.silent_hours
        if limit is not None and now - self._begun > 3600 * limit:
            return f"the program ran for more than {limit:g} hours (engine.hours)"
        if now - self._heard > 3600 * silent:
            return f"the program said nothing for {silent:g} hours: no visit and no output (engine.silent_hours)"
        return None
