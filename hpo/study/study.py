"""Study: an Optuna study that is opened or continued, hands out trials and records their results."""

import math
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from hpo.config.study_file import StudyFile
from hpo.samplers.admitted import AdmittedStudy, excluded_trials
from hpo.samplers.base import StudySampler
from hpo.samplers.history import FIXED
from hpo.samplers.ranking import best_first, losses_of, spread_out
from hpo.samplers.surrogate import Coordinates
from hpo.search_space.configuration import Configuration
from hpo.search_space.given_points import accepted
from hpo.study.attributes import CLOSED, EXHAUSTED
from hpo.study.beginning import Beginning
from hpo.study.budget import EndedBy, TrialBudget, budget_of
from hpo.study.drivers import DriverGroup, SoleDriver
from hpo.study.exhaustion import Exhaustion, recorded_exhaustion
from hpo.study.first_trials import beginning_of
from hpo.study.leases import OWNER, RunLeases
from hpo.study.opening import open_optuna_study, read_optuna_study
from hpo.study.origin import is_counted
from hpo.study.proposals import Proposal, Proposals
from hpo.study.recording import TrialRecorder
from segada.settings.nested import Value


class Study(TrialRecorder):
    """Hands out trials and records their results. All state is in the study's storage."""

    def __init__(self, file: StudyFile, optuna_study: optuna.Study, storage: BaseStorage, drivers: DriverGroup) -> None:
        """Wraps an open Optuna study without reading it.

        Args:
            file: study file of the Optuna study.
            optuna_study: Optuna study.
            storage: storage of the study.
            drivers: drivers that share the study.
        """
        super().__init__(file, optuna_study, storage)
        self.drivers = drivers
        self.leases = RunLeases(storage, self._study_id, drivers)
        self.notes: tuple[str, ...] = ()
        """Sentences about the first trials, for the driver that created the study."""
        self._proposals = Proposals(file, optuna_study, self.leases, drivers)
        self._view: AdmittedStudy | None = None

    def ask(self) -> Proposal | None:
        """Returns the next trial to run and assigns it to this driver; None while there is none.

        Trials of dead drivers come first, then retries, then new ones until the budget is handed out. A later call may
        return a trial again while other drivers run trials, because they may die. A trial whose point, enqueued by
        another program, is not of the space fails with the reason.
        """
        with self.drivers.exclusive():
            return self._proposals.next(self.admitted, self._may_begin)

    def take_refused(self) -> dict[int, str]:
        """Returns why trials failed in `ask` because of their points, by number, since the last call."""
        refused, self._proposals.refused = self._proposals.refused, {}
        return refused

    def has(self, number: int) -> bool:
        """Returns True if this driver still has a trial; another one may have considered it dead."""
        return self.leases.owns_trial(self._trial_id(number))

    def finished(self) -> list[FrozenTrial]:
        """Lists the closed trials (complete, pruned and failed) of this study, in order of their numbers.

        Retries, and results from outside or of a former study, are not among them: they use nothing of the budget.
        """
        closed = self._trials(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
        return [trial for trial in closed if is_counted(trial)]

    def budget(self) -> TrialBudget:
        """Returns how much of the budget is spent, and what is left of it."""
        ended: EndedBy = "hours" if self._is_closed() else "space" if self.exhaustion() is not None else ""
        return budget_of(self.optuna_study.get_trials(deepcopy=False), self.file.settings.budget.trials, ended)

    def remaining(self) -> int:
        """Returns the number of trials that have yet to finish until the search is over, including running ones and
        retries.
        """
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
        """Returns the best complete trials that satisfy every constraint, best first, each configuration once, and none
        that is practically the same as a better one (`confirm.apart`).

        With several objectives they are trials of the Pareto front in the order of `spread_out`: the best by the first
        objective, the other ends, the knee, then those farthest from the ones before.
        """
        admitted = self.admitted()
        if len(self.optuna_study.directions) == 1:
            complete = admitted.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
            return self._distinct(self._feasible(complete), count, self.file.settings.confirm.apart)
        front = self.front()
        return [front[place] for place in spread_out(losses_of(front, self.optuna_study.directions), count)]

    def front(self) -> list[FrozenTrial]:
        """Returns the Pareto front of the complete trials that satisfy every constraint, each configuration once, in
        the order of the first objective.
        """
        ranked = self._feasible(self.admitted().best_trials)
        return self._distinct(ranked, len(ranked))

    def _distinct(self, ranked: Sequence[FrozenTrial], count: int, apart: float = 0.0) -> list[FrozenTrial]:
        """Returns the first trials with different configurations that are at least `apart` from each other."""
        distinct: dict[str, FrozenTrial] = {}
        places: list[list[float]] = []
        coordinates = Coordinates(self.file.space)
        for trial in ranked:
            if len(distinct) == count:
                break
            configuration, place = self.configuration(trial), coordinates.of(trial.params)
            if configuration.hash in distinct or (apart > 0 and any(math.dist(place, one) < apart for one in places)):
                continue
            distinct[configuration.hash] = trial
            places.append(place)
        return list(distinct.values())

    def remove(self) -> None:
        """Deletes the study with all its trials from its storage."""
        self._storage.delete_study(self._study_id)

    def configuration(self, trial: FrozenTrial) -> Configuration:
        """Returns the configuration of a trial."""
        return self.file.space.configuration(trial.params)

    def parameters(self, trial: FrozenTrial) -> dict[str, Value]:
        """Returns the known parameters of a trial by path; those of a point of another space as they are stored."""
        given = {**trial.system_attrs.get(FIXED, {}), **trial.params}
        try:
            return dict(self.file.space.configuration(accepted(self.file.space, given)).values)
        except ValueError:
            return given

    def admitted(self) -> AdmittedStudy:
        """Returns the study without the trials that do not count."""
        excluded = excluded_trials(self._storage.get_study_user_attrs(self._study_id))
        if self._view is None or self._view.excluded != excluded:
            limits = [constraint.text for constraint in self.file.settings.constraints]
            self._view = AdmittedStudy(self.optuna_study, self.file.space, limits, excluded)
        self._view.refresh()
        return self._view

    def is_feasible(self, trial: FrozenTrial) -> bool:
        """Returns True if the trial is complete and keeps every constraint."""
        return bool(self._feasible([trial]))

    def _feasible(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        limits = [constraint.text for constraint in self.file.settings.constraints]
        return best_first(trials, self.optuna_study.directions, limits)

    def _is_closed(self) -> bool:
        closed = self._storage.get_study_system_attrs(self._study_id).get(CLOSED)
        return bool(closed == self.file.settings.budget.model_dump(mode="json"))

    def _may_begin(self, *, sampled: bool) -> bool:
        """Returns True if a further trial may begin.

        Args:
            sampled: whether the sampler would choose its point; an enqueued trial needs no further configuration.
        """
        return self.budget().to_start > 0 and not (sampled and self._lacks_configurations())

    def _lacks_configurations(self) -> bool:
        """Returns True if a further trial would repeat a configuration; records it once no trial runs."""
        if self.exhaustion() is not None:
            return True
        sampler = self.optuna_study.sampler
        end = sampler.used_up(self.admitted()) if isinstance(sampler, StudySampler) else None
        if end is not None and not self._trials(TrialState.RUNNING):
            whose = None if end.is_whole else self.file.settings.sampler.model_dump(mode="json")
            trials = len(self.optuna_study.get_trials(deepcopy=False))
            record = Exhaustion(end.configurations, trials, whose).record()
            self._storage.set_study_system_attr(self._study_id, EXHAUSTED, record)
        return end is not None

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.optuna_study.get_trials(deepcopy=False, states=states)


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
