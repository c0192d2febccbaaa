"""Queue of the runs other than trials that a study has left; each is handed out to one driver."""

from collections.abc import Iterable

from hpo.study.jobs import Job
from hpo.study.leases import RunLeases
from hpo.study.plan import undone


class RunQueue:
    """Hands out the runs of a list that are not over and that no live driver has."""

    def __init__(self, jobs: Iterable[Job], leases: RunLeases) -> None:
        """Keeps the runs that are not over."""
        self._leases = leases
        self._left = {job.name: job for job in undone(jobs)}

    def next(self) -> Job | None:
        """Acquires and returns the next run for this driver; None if there is none now. Call it within `exclusive`."""
        failed = self._leases.failures()
        for name, job in list(self._left.items()):
            if name in failed or not undone([job]):
                del self._left[name]
            elif self._leases.acquire(name):
                return job
        return None

    def close(self, name: str) -> None:
        """Removes a run that is over."""
        self._left.pop(name, None)

    def owners(self) -> set[str]:
        """Returns the drivers that have the remaining runs, as last read; they are alive while `next` returns None."""
        owners = (self._leases.owner(name) for name in self._left)
        return {owner for owner in owners if owner is not None}

    @property
    def is_empty(self) -> bool:
        """True if every run of the list is over, as far as this driver has read."""
        return not self._left
