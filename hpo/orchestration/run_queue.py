"""Runs other than trials that a study has left to do, each handed out to one driver."""

from collections.abc import Iterable

from hpo.study.jobs import Job
from hpo.study.leases import RunLeases
from hpo.study.plan import undone


class RunQueue:
    """Hands out the runs of a list that are neither over nor with a driver at work."""

    def __init__(self, jobs: Iterable[Job], leases: RunLeases) -> None:
        """Looks up which are over."""
        self._leases = leases
        self._left = {job.name: job for job in undone(jobs)}

    def next(self) -> Job | None:
        """The next run, which is this driver's from now on; None if there is none now. Call it while deciding."""
        failed = self._leases.failures()
        for name, job in list(self._left.items()):
            if name in failed or not undone([job]):
                del self._left[name]
            elif self._leases.acquire(name):
                return job
        return None

    def close(self, name: str) -> None:
        """Strikes out a run that is over."""
        self._left.pop(name, None)

    def owners(self) -> set[str]:
        """Drivers that have what is left, as they were seen last; while `next` gives none, they are at work."""
        owners = (self._leases.owner(name) for name in self._left)
        return {owner for owner in owners if owner is not None}

    @property
    def is_empty(self) -> bool:
        """Whether every run of the list is over, as far as this driver has seen."""
        return not self._left
