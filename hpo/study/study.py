"""Study: an Optuna study that is opened or continued, hands out trials and records their results."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from hpo.config.study_file import StudyFile
from hpo.pruners.settings import verdict
from hpo.samplers.base import StudySampler
from hpo.samplers.history import PASSING, RUNG
from hpo.samplers.ranking import best_first, losses_of, spread_out
from hpo.search_space.configuration import Configuration
from hpo.study.attributes import CLOSED, EXHAUSTED, HASH, INCIDENTS, MIOU, ORIGIN, REASON, SO_FAR
from hpo.study.beginning import Beginning
from hpo.study.budget import EndedBy, TrialBudget, trial_budget
from hpo.study.drivers import DriverGroup, SoleDriver
from hpo.study.exhaustion import Exhaustion, recorded_exhaustion
from hpo.study.first_trials import beginning_of
from hpo.study.leases import OWNER, RunLeases
from hpo.study.opening import open_optuna_study, read_optuna_study
from hpo.study.trial_records import STATES


@dataclass(frozen=True)
class SoFar:
    """What people see of a trial after a visit.

    Attributes:
        values: Objectives of the visits so far, in the study's order.
        miou: mIoU by domain, as `miou/<domain>` is after these visits.
    """

    values: Sequence[float]
    miou: Mapping[str, float]


@dataclass(frozen=True)
class Proposal:
    """Trial to run."""

    number: int
    configuration: Configuration
    resumed: bool
    """True if an earlier driver started the trial, so that it may have a checkpoint."""


class Study:
    """Hands out trials and records their results. All state is in the study's storage."""

    def __init__(self, file: StudyFile, optuna_study: optuna.Study, storage: BaseStorage, drivers: DriverGroup) -> None:
        """Wraps an open Optuna study without reading it.

        Args:
            file: study file of the Optuna study.
            optuna_study: Optuna study.
            storage: storage of the study.
            drivers: drivers that share the study.
        """
        self.file = file
        self.optuna_study = optuna_study
        self.drivers = drivers
        self._storage = storage
        self._study_id = storage.get_study_id_from_name(optuna_study.study_name)
        self._visits = len(file.run_settings().stream.all_visits())
        self.leases = RunLeases(storage, self._study_id, drivers)
        self.notes: tuple[str, ...] = ()
        """Sentences about the first trials, for the driver that created the study."""

    def ask(self) -> Proposal | None:
        """Returns the next trial to run and assigns it to this driver; None while there is none.

        Trials of dead drivers come first, then new ones until the budget is handed out. A later call may return a trial
        again while other drivers run trials, because they may die.
        """
        with self.drivers.exclusive():
            running = self._trials(TrialState.RUNNING)
            free = next((trial for trial in running if self.leases.is_free(trial)), None)
            if free is not None:
                self.leases.acquire_trial(free._trial_id)
                return self._taken_up(free.number)
            if not self.budget().to_start:
                return None
            if self._lacks_configurations(running):
                return None
            trial = self.optuna_study.ask()
            self.leases.acquire_trial(trial._trial_id)
            configuration = self._suggested(trial)
            self._storage.set_trial_system_attr(trial._trial_id, HASH, configuration.hash)
            return Proposal(trial.number, configuration, resumed=False)

    def has(self, number: int) -> bool:
        """Returns True if this driver still has a trial; another one may have considered it dead."""
        return self.leases.owns_trial(self._trial_id(number))

    def report(
        self, number: int, visits: int, value: float, losses: Sequence[float] = (), so_far: SoFar | None = None
    ) -> bool:
        """Records the rung value of a running trial; returns True if the trial is pruned now.

        A pruned trial is closed in the same call: the pruner judges a trial once, so its decision must be recorded.

        Args:
            number: number of the trial.
            visits: number of visits that it has completed.
            value: value of the rung, one of `objectives.RUNG_VALUES`; larger is better.
            losses: `objectives.rung_losses` of these visits, which a study with several objectives uses instead.
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
            self.optuna_study, self._storage.get_trial(trial_id)
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
        return self.optuna_study.tell(number, list(values), skip_if_finished=True).state

    def prune(self, number: int, reason: str = "stopped early") -> TrialState:
        """Closes a trial that stopped early, with the reason in one line; its value is the last intermediate value."""
        return self._close(number, TrialState.PRUNED, reason)

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
        return self._close(number, TrialState.FAIL, reason)

    def finished(self) -> list[FrozenTrial]:
        """Lists the closed trials (complete, pruned and failed) of this study, in order of their numbers.

        Results that were taken over from a former study are not among them: they use nothing of the budget.
        """
        closed = self._trials(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return [trial for trial in closed if ORIGIN not in trial.user_attrs]

    def budget(self) -> TrialBudget:
        """Returns how much of the budget is spent, and what is left of it."""
        trials = self.optuna_study.get_trials(deepcopy=False)
        own = [STATES[trial.state] for trial in trials if ORIGIN not in trial.user_attrs]
        ended: EndedBy = "hours" if self._is_closed() else "space" if self.exhaustion() is not None else ""
        return trial_budget(own, self.file.settings.budget.trials, ended, len(trials) - len(own))

    def remaining(self) -> int:
        """Returns the number of trials that have yet to finish until the search is over, including running ones."""
        return self.budget().left

    def is_search_over(self) -> bool:
        """Returns True if the budget or the space is spent and no trial runs, so the best can be confirmed."""
        return self.remaining() == 0

    def exhaustion(self) -> Exhaustion | None:
        """Returns the end of a search whose configurations have all been tried; None if there are others."""
        attributes = self._storage.get_study_system_attrs(self._study_id)
        sampler = self.file.settings.sampler.model_dump(mode="json")
        return recorded_exhaustion(attributes, len(self.optuna_study.get_trials(deepcopy=False)), sampler)

    def owners(self) -> set[str]:
        """Returns the drivers that have the running trials."""
        owners = (trial.system_attrs.get(OWNER) for trial in self._trials(TrialState.RUNNING))
        return {owner for owner in owners if owner is not None}

    def close(self) -> None:
        """Prevents further trials, in this process or a later one, until the study file has another budget."""
        if not self._is_closed():
            budget = self.file.settings.budget.model_dump(mode="json")
            self._storage.set_study_system_attr(self._study_id, CLOSED, budget)

    def best(self, count: int) -> list[FrozenTrial]:
        """Returns the best complete trials that satisfy every constraint, best first, each configuration once.

        With several objectives they are trials of the Pareto front in the order of `spread_out`: the best by the first
        objective, the other ends, the knee, then those farthest from the ones before.
        """
        if len(self.optuna_study.directions) == 1:
            return self._distinct(self._feasible(self._trials(TrialState.COMPLETE)), count)
        front = self.front()
        return [front[place] for place in spread_out(losses_of(front, self.optuna_study.directions), count)]

    def front(self) -> list[FrozenTrial]:
        """Returns the Pareto front of the complete trials that satisfy every constraint, each configuration once, in
        the order of the first objective.
        """
        ranked = self._feasible(self.optuna_study.best_trials)
        return self._distinct(ranked, len(ranked))

    def _distinct(self, ranked: Sequence[FrozenTrial], count: int) -> list[FrozenTrial]:
        distinct: dict[str, FrozenTrial] = {}
        for trial in ranked:
            if len(distinct) == count:
                break
            distinct.setdefault(self.configuration(trial).hash, trial)
        return list(distinct.values())

    def remove(self) -> None:
        """Deletes the study with all its trials from its storage."""
        self._storage.delete_study(self._study_id)

    def configuration(self, trial: FrozenTrial) -> Configuration:
        """Returns the configuration of a trial."""
        return self.file.space.configuration(trial.params)

    def _close(self, number: int, state: TrialState, reason: str) -> TrialState:
        trial_id = self._trial_id(number)
        if not self._storage.get_trial(trial_id).state.is_finished():
            self._storage.set_trial_user_attr(trial_id, REASON, " ".join(reason.split()))
        return self.optuna_study.tell(number, state=state, skip_if_finished=True).state

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

    def is_feasible(self, trial: FrozenTrial) -> bool:
        """Returns True if the trial is complete and keeps every constraint."""
        return bool(self._feasible([trial]))

    def _feasible(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        limits = [constraint.text for constraint in self.file.settings.constraints]
        return best_first(trials, self.optuna_study.directions, limits)

    def _is_closed(self) -> bool:
        closed = self._storage.get_study_system_attrs(self._study_id).get(CLOSED)
        return bool(closed == self.file.settings.budget.model_dump(mode="json"))

    def _lacks_configurations(self, running: Sequence[FrozenTrial]) -> bool:
        """Returns True if a further trial would repeat a configuration; records it once no trial runs.

        Trials that were enqueued run in any case.
        """
        if self._trials(TrialState.WAITING):
            return False
        if self.exhaustion() is not None:
            return True
        sampler = self.optuna_study.sampler
        end = sampler.used_up(self.optuna_study) if isinstance(sampler, StudySampler) else None
        if end is not None and not running:
            whose = None if end.is_whole else self.file.settings.sampler.model_dump(mode="json")
            trials = len(self.optuna_study.get_trials(deepcopy=False))
            record = Exhaustion(end.configurations, trials, whose).record()
            self._storage.set_study_system_attr(self._study_id, EXHAUSTED, record)
        return end is not None

    def _taken_up(self, number: int) -> Proposal:
        trial_id = self._trial_id(number)
        frozen = self._storage.get_trial(trial_id)
        if self.file.space.is_complete(frozen.params):
            return Proposal(number, self.configuration(frozen), resumed=True)
        # The earlier driver died between asking for the trial and setting its last parameter.
        return Proposal(number, self._suggested(optuna.Trial(self.optuna_study, trial_id)), resumed=True)

    def _suggested(self, trial: optuna.Trial) -> Configuration:
        """Returns the sampler's point for a trial of this driver; the others work meanwhile, since it may be slow."""
        with self.drivers.released():
            return self.file.space.suggest(trial)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.optuna_study.get_trials(deepcopy=False, states=states)

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)


def open_study(file: StudyFile, out: Path, drivers: DriverGroup | None = None) -> Study:
    """Opens the study of a folder, or creates it with the first points of its file.

    Call it before anything else is written to the folder: a refusal leaves no files.

    Args:
        file: study file, which may name the database of the study; see `hpo.config.storage_url.place_of`.
        out: run folder, which holds the journal if there is no database.
        drivers: drivers that share the study, `exclusive` during this call; None if it is not shared.

    Raises:
        InputError: the folder, or the database under this name, holds another study, or a former study in `start_from`
            cannot be read.
    """
    notes: list[str] = []

    def first() -> Beginning:
        beginning = beginning_of(file)
        notes.extend(beginning.notes)
        return beginning

    study = Study(file, *open_optuna_study(file, out, first), drivers or SoleDriver())
    study.notes = tuple(notes)
    return study


def read_study(file: StudyFile, out: Path) -> Study:
    """Opens the study of a folder for reading only, even while drivers work on it.

    Args:
        file: `study.yaml` of the folder, which names the storage.
        out: run folder.

    Raises:
        InputError: its journal is not valid, or the database does not answer or holds no such study.
    """
    return Study(file, *read_optuna_study(file, out), SoleDriver())
