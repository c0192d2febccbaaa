"""Leases of a study's runs, recorded in the study itself, so that each run has one driver."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

from hpo.samplers.history import OURS
from hpo.study.drivers import DriverGroup

OWNER = f"{OURS}driver"
"""System attribute of a trial: the id of the driver that has it, or had it last."""
RUN = f"{OURS}run/{{name}}"
"""System attribute of a study for each run other than a trial: `driver`, and `failure` with the reason if it failed."""
PATIENCE = 1.0
"""Seconds between two checks of what other drivers have."""


class RunLeases:
    """Leases: a run belongs to the driver that acquired it last, until it is over or the driver is dead.

    Call the methods within `DriverGroup.exclusive`, so that nothing changes between a check and the following action.
    """

    def __init__(self, storage: BaseStorage, study_id: int, drivers: DriverGroup) -> None:
        self._storage = storage
        self._study_id = study_id
        self._drivers = drivers

    def is_free(self, trial: FrozenTrial) -> bool:
        """Returns True if a running trial has no live driver."""
        owner = trial.system_attrs.get(OWNER)
        return owner is None or not self._drivers.is_at_work(owner)

    def acquire_trial(self, trial_id: int) -> None:
        """Assigns the trial to this driver."""
        self._storage.set_trial_system_attr(trial_id, OWNER, self._drivers.id)

    def owns_trial(self, trial_id: int) -> bool:
        """Returns True if this driver still has the trial; another one may have considered it dead."""
        return self._storage.get_trial(trial_id).system_attrs.get(OWNER) == self._drivers.id

    def acquire(self, name: str) -> bool:
        """Assigns a run other than a trial to this driver; returns False if a live driver, or this one, has it."""
        owner = self.owner(name)
        if owner is not None and self._drivers.is_at_work(owner):
            return False
        self._write(name, {"driver": self._drivers.id})
        return True

    def owns(self, name: str) -> bool:
        """Returns True if this driver still has a run other than a trial."""
        return self.owner(name) == self._drivers.id

    def owner(self, name: str) -> str | None:
        """Returns the driver that acquired a run other than a trial last; None if there is none."""
        return self._runs().get(name, {}).get("driver")

    def fail(self, name: str, reason: str) -> None:
        """Records that a run of this driver failed, and why; no live driver tries it again."""
        self._write(name, {"driver": self._drivers.id, "failure": reason})

    def failures(self) -> dict[str, str]:
        """Returns the reasons of failed runs other than trials, by name."""
        return {name: run["failure"] for name, run in self._runs().items() if "failure" in run}

    def forget_failures(self) -> None:
        """Clears all failures, so that the first driver of a new session tries the runs again."""
        for name in self.failures():
            self._write(name, {})

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Waits until no other live driver has a run, and holds it while the context is open."""
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
        return leased_runs(self._storage.get_study_system_attrs(self._study_id))

    def _write(self, name: str, run: dict[str, str]) -> None:
        self._storage.set_study_system_attr(self._study_id, RUN.format(name=name), run)


def leased_runs(attributes: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Returns what the system attributes of a study hold of runs that are no trials, by name."""
    prefix = RUN.format(name="")
    return {key.removeprefix(prefix): value for key, value in attributes.items() if key.startswith(prefix)}
