"""Records of trials in a study's storage: progress, what people see of it, and the end."""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from hpo.config.objectives import ObjectiveSettings, domains_miou
from hpo.config.rung_values import objective_so_far
from hpo.config.study_file import StudyFile
from hpo.pruners.settings import verdict
from hpo.samplers.admitted import AdmittedStudy
from hpo.samplers.history import PASSING, RUNG
from hpo.study.attributes import INCIDENTS, MIOU, REASON, SO_FAR
from hpo.study.origin import record_end
from segada.records import RunReport


@dataclass(frozen=True)
class SoFar:
    """Values of a trial after a visit, as people read them.

    Attributes:
        values: Objectives of the visits so far, in the study's order.
        miou: mIoU by domain, as `miou/<domain>` is after these visits.
    """

    values: Sequence[float]
    miou: Mapping[str, float]

    @classmethod
    def of(cls, report: RunReport, visits: int, objectives: Sequence[ObjectiveSettings], route: Sequence[str]) -> Self:
        """Computes the values after a number of visits.

        Args:
            report: report of the trial.
            visits: number of first visits that count.
            objectives: objectives of the study.
            route: domains of the whole stream, in order.
        """
        values = [objective_so_far(one, report, visits, route) for one in objectives]
        return cls(values, domains_miou(report.visits[:visits]))


class TrialRecorder(ABC):
    """Records the progress and the end of the trials of a study. All state is in the study's storage."""

    def __init__(self, file: StudyFile, optuna_study: optuna.Study, storage: BaseStorage) -> None:
        """Wraps an open Optuna study without reading it.

        Args:
            file: study file of the Optuna study.
            optuna_study: Optuna study.
            storage: storage of the study.
        """
        self.file = file
        self.optuna_study = optuna_study
        self._storage = storage
        self._study_id = storage.get_study_id_from_name(optuna_study.study_name)
        self._visits = len(file.run_settings().stream.all_visits())

    @abstractmethod
    def admitted(self) -> AdmittedStudy:
        """Returns the study without the trials that do not count, those of other programs included."""

    def report(
        self, number: int, visits: int, value: float, losses: Sequence[float] = (), so_far: SoFar | None = None
    ) -> bool:
        """Records the rung value of a running trial; returns True if the trial is pruned now.

        A pruned trial is closed in the same call: the pruner judges a trial once, so its decision must be recorded.

        Args:
            number: number of the trial.
            visits: number of visits that it has completed.
            value: value of the rung, one of `rung_values.RUNG_VALUES`; larger is better.
            losses: `rung_values.rung_losses` of these visits, which a study with several objectives uses instead.
            so_far: what people see of the trial.
        """
        trial_id = self._trial_id(number)
        state = self._storage.get_trial(trial_id).state
        if state.is_finished():
            return state == TrialState.PRUNED
        several = len(self.optuna_study.directions) > 1
        self._storage.set_trial_system_attr(trial_id, RUNG.format(visits=visits), list(losses) if several else [-value])
        if so_far is not None:
            self._show(trial_id, visits, so_far.values)
        # A trial that has completed the whole stream counts, whatever its rank.
        hopeless = visits < self._visits and self.optuna_study.pruner.prune(
            self.admitted(), self._storage.get_trial(trial_id)
        )
        if not hopeless:
            return False
        if so_far is not None:
            self.describe(number, visits, so_far)
        return self.prune(number, verdict(self.file.settings.pruning, visits, value)) == TrialState.PRUNED

    def describe(self, number: int, visits: int, so_far: SoFar) -> None:
        """Records what people see of a running trial that ends after this visit; values that are not finite are left
        out.
        """
        trial_id = self._trial_id(number)
        if self._storage.get_trial(trial_id).state.is_finished():
            return
        self._show(trial_id, visits, so_far.values)
        for domain, value in so_far.miou.items():
            if math.isfinite(value):
                self._storage.set_trial_user_attr(trial_id, MIOU.format(domain=domain), value)

    def reason(self, number: int) -> str:
        """Returns why a trial failed or was pruned; empty if it was not."""
        return str(self._storage.get_trial(self._trial_id(number)).user_attrs.get(REASON, ""))

    def note(self, number: int, incident: str) -> None:
        """Records an incident of a running trial that continues."""
        trial_id = self._trial_id(number)
        trial = self._storage.get_trial(trial_id)
        if not trial.state.is_finished():
            incidents = [*trial.user_attrs.get(INCIDENTS, []), " ".join(incident.split())]
            self._storage.set_trial_user_attr(trial_id, INCIDENTS, incidents)

    def complete(self, number: int, values: Sequence[float], violations: Sequence[float] = ()) -> TrialState:
        """Closes a trial with its objective values, in the study's order; as failed if one of them is not finite.

        Args:
            number: number of the trial.
            values: objective values.
            violations: violations of the constraints, in the study's order; at most 0 where a limit is kept.

        A trial that is already closed stays unchanged, and its state is returned; so do `prune` and `fail`.
        """
        metrics = [objective.metric for objective in self.file.settings.objectives]
        broken = [
            f"{metric} is {value}" for metric, value in zip(metrics, values, strict=True) if not math.isfinite(value)
        ]
        if broken:
            return self.fail(number, ", ".join(broken))
        self._constrain(number, violations)
        return record_end(self.optuna_study, number, TrialState.COMPLETE, list(values))

    def prune(self, number: int, reason: str = "stopped early") -> TrialState:
        """Closes a trial that stopped early, with the reason in one line; its value is the last intermediate value."""
        return record_end(self.optuna_study, number, TrialState.PRUNED, reason=reason)

    def fail(self, number: int, reason: str, *, passes: bool = False) -> TrialState:
        """Closes a trial without a result.

        Args:
            number: number of the trial.
            reason: reason, which is recorded in one line.
            passes: True if the reason is not the configuration's, such as a lost worker: it may be tried again.
        """
        trial_id = self._trial_id(number)
        if passes and not self._storage.get_trial(trial_id).state.is_finished():
            self._storage.set_trial_system_attr(trial_id, PASSING, passes)
        return record_end(self.optuna_study, number, TrialState.FAIL, reason=reason)

    def ended(self, number: int) -> FrozenTrial | None:
        """Returns a trial that is closed, also by another program; None while it runs."""
        trial = self._storage.get_trial(self._trial_id(number))
        return trial if trial.state.is_finished() else None

    def _show(self, trial_id: int, visits: int, values: Sequence[float]) -> None:
        objectives = self.file.settings.objectives
        finite = {one.metric: value for one, value in zip(objectives, values, strict=True) if math.isfinite(value)}
        if len(objectives) > 1:
            self._storage.set_trial_user_attr(trial_id, SO_FAR.format(visits=visits), finite)
        elif finite:
            self._storage.set_trial_intermediate_value(trial_id, visits, values[0])

    def _constrain(self, number: int, violations: Sequence[float]) -> None:
        trial_id = self._trial_id(number)
        if not violations or self._storage.get_trial(trial_id).state.is_finished():
            return
        trial = optuna.Trial(self.optuna_study, trial_id)
        for constraint, violation in zip(self.file.settings.constraints, violations, strict=True):
            # The constraint is already set if an earlier driver died at this point.
            if constraint.text not in trial.constraints:
                trial.set_constraint(constraint.text, violation)

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)
