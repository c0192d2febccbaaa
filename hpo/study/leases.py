"""Who does which run of a study: written down in the study itself, and decided by one driver at a time."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from hpo.study.drivers import DriverGroup

OWNER = "driver"
"""User attribute of a trial: the id of the driver that has it now, or had it last."""
RUN = "run/{name}"
"""User attribute of a study, for each run that is no trial: `driver`, and `failure` with the reason if it failed."""
PATIENCE = 1.0
"""Seconds between two looks at what other drivers have."""


class RunLeases:
    """Runs belong to the driver that took them last, until they are over or that driver is no longer at work.

    Call what takes or asks within `DriverGroup.exclusive`, so that nothing changes between the question and what
    follows.
    """

    def __init__(self, storage: BaseStorage, study_id: int, drivers: DriverGroup) -> None:
        self._storage = storage
        self._study_id = study_id
        self._drivers = drivers

    def is_free(self, trial: FrozenTrial) -> bool:
        """Whether a running trial has no driver that is at work."""
        owner = trial.user_attrs.get(OWNER)
        return owner is None or not self._drivers.is_at_work(owner)

    def acquire_trial(self, trial_id: int) -> None:
        """Makes the trial this driver's."""
        self._storage.set_trial_user_attr(trial_id, OWNER, self._drivers.id)

    def owns_trial(self, trial_id: int) -> bool:
        """Whether the trial is still this driver's: another one may have taken it for dead."""
        return self._storage.get_trial(trial_id).user_attrs.get(OWNER) == self._drivers.id

    def acquire(self, name: str) -> bool:
        """Makes a run that is no trial this driver's, unless one that is at work has it, this one included."""
        owner = self.owner(name)
        if owner is not None and self._drivers.is_at_work(owner):
            return False
        self._write(name, {"driver": self._drivers.id})
        return True

    def owns(self, name: str) -> bool:
        """Whether such a run is still this driver's."""
        return self.owner(name) == self._drivers.id

    def owner(self, name: str) -> str | None:
        """The driver that took such a run last; None if nobody has."""
        return self._runs().get(name, {}).get("driver")

    def fail(self, name: str, reason: str) -> None:
        """Notes that a run of this driver's failed, and why: no driver at work tries it again."""
        self._write(name, {"driver": self._drivers.id, "failure": reason})

    def failures(self) -> dict[str, str]:
        """Runs that are no trials and failed, with the reason, by name."""
        return {name: run["failure"] for name, run in self._runs().items() if "failure" in run}

    def forget_failures(self) -> None:
        """Lets all of them be tried again: for the first driver of a new session."""
        for name in self.failures():
            self._write(name, {})

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Waits until no other driver at work has a run, and has it while the context is open."""
        while not self._acquired(name):
            time.sleep(PATIENCE)
        try:
            yield
        finally:
            with self._drivers.exclusive():
                if self.owns(name):
                    self._write(name, {})

    def _acquired(self, name: str) -> bool:
        with self._drivers.exclusive():
            return self.acquire(name)

    def _runs(self) -> dict[str, dict[str, str]]:
        return leased_runs(self._storage.get_study_user_attrs(self._study_id))

    def _write(self, name: str, run: dict[str, str]) -> None:
        self._storage.set_study_user_attr(self._study_id, RUN.format(name=name), run)


def leased_runs(attributes: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Returns what the user attributes of a study hold of runs that are no trials, by name."""
    prefix = RUN.format(name="")
    return {key.removeprefix(prefix): value for key, value in attributes.items() if key.startswith(prefix)}
