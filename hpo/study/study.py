"""Study: an Optuna study that is opened or continued, hands out trials and records their results."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from hpo.config.document import STUDY
from hpo.config.start_from import DEFAULTS, START_FROM, FormerStudy, first_points
from hpo.config.study_file import StudyFile, load_written
from hpo.pruners.halving import RUNG
from hpo.samplers.admitted import AdmittedStudy, excluded_trials
from hpo.samplers.history import FIXED
from hpo.samplers.ranking import best_first
from hpo.search_space import SpaceError
from hpo.search_space.configuration import Configuration
from hpo.search_space.given_points import accepted
from hpo.search_space.parameter import Raw
from hpo.study.attributes import INCIDENTS
from hpo.study.drivers import DriverGroup, SoleDriver
from hpo.study.leases import OWNER, RunLeases
from hpo.study.opening import open_optuna_study, read_optuna_study
from hpo.study.origin import counted, is_retry, record_end
from hpo.study.proposals import Proposal, Proposals
from segada.settings.folders import expand
from segada.settings.nested import Value

CLOSED = "closed"
"""User attribute of a study whose `budget.hours` are over: the budget to which this applies."""


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
        self._proposals = Proposals(file, optuna_study, self.leases)
        self._view: AdmittedStudy | None = None

    def ask(self) -> Proposal | None:
        """Returns the next trial to run and assigns it to this driver; None while there is none.

        Trials of dead drivers come first, then retries, then new ones until the budget is handed out. A later call may
        return a trial again while other drivers run trials, because they may die. A trial whose point, enqueued by
        another program, is not of the space fails with the reason.
        """
        with self.drivers.exclusive():
            return self._proposals.next(self.admitted, may_begin=not self._is_closed())

    def take_refused(self) -> dict[int, str]:
        """Returns why trials failed in `ask` because of their points, by number, since the last call."""
        refused, self._proposals.refused = self._proposals.refused, {}
        return refused

    def has(self, number: int) -> bool:
        """Returns True if this driver still has a trial; another one may have considered it dead."""
        return self.leases.owns_trial(self._trial_id(number))

    def report(self, number: int, visits: int, value: float, losses: Sequence[float] = ()) -> bool:
        """Records the rung value of a running trial; returns True if the trial is pruned now.

        A pruned trial is closed in the same call: the pruner judges a trial once, so its decision must be recorded.

        Args:
            number: number of the trial.
            visits: number of visits that it has completed.
            value: value of the rung, one of `objectives.RUNG_VALUES`; larger is better.
            losses: `objectives.rung_losses` of these visits, which a study with several objectives uses instead.
        """
        trial_id = self._trial_id(number)
        state = self._storage.get_trial(trial_id).state
        if state.is_finished():
            return state == TrialState.PRUNED
        if len(self.optuna_study.directions) > 1:
            self._storage.set_trial_user_attr(trial_id, RUNG.format(visits=visits), list(losses))
        else:
            upwards = self.file.settings.objectives[0].goal == "maximize"
            self._storage.set_trial_intermediate_value(trial_id, visits, value if upwards else -value)
        # A trial that has completed the whole stream counts, whatever its rank.
        hopeless = visits < self._visits and self.optuna_study.pruner.prune(
            self.admitted(), self._storage.get_trial(trial_id)
        )
        return hopeless and self.prune(number) == TrialState.PRUNED

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

    def prune(self, number: int) -> TrialState:
        """Closes a trial that stopped early; its last reported value is kept."""
        return record_end(self.optuna_study, number, TrialState.PRUNED)

    def fail(self, number: int, reason: str) -> TrialState:
        """Closes a trial without a result, with the reason in one line."""
        return record_end(self.optuna_study, number, TrialState.FAIL, reason=reason)

    def ended(self, number: int) -> FrozenTrial | None:
        """Returns a trial that is closed, also by another program; None while it runs."""
        trial = self._storage.get_trial(self._trial_id(number))
        return trial if trial.state.is_finished() else None

    def finished(self) -> list[FrozenTrial]:
        """Lists the closed trials (complete, pruned and failed), in order of their numbers."""
        return self._trials(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)

    def remaining(self) -> int:
        """Returns the number of trials that have yet to finish until the budget is spent, including running ones and
        retries.
        """
        retries = sum(map(is_retry, self._trials(TrialState.WAITING, TrialState.RUNNING)))
        if self._is_closed():
            return counted(self._trials(TrialState.RUNNING)) + retries
        return max(self.file.settings.budget.trials - counted(self.finished()), 0) + retries

    def is_search_over(self) -> bool:
        """Returns True if the budget of trials or hours is spent and no trial runs, so the best can be confirmed."""
        return self.remaining() == 0 and not self._trials(TrialState.RUNNING)

    def owners(self) -> set[str]:
        """Returns the drivers that have the running trials."""
        owners = (trial.user_attrs.get(OWNER) for trial in self._trials(TrialState.RUNNING))
        return {owner for owner in owners if owner is not None}

    def close(self) -> None:
        """Prevents further trials, in this process or a later one, until the study file has another budget."""
        if not self._is_closed():
            self.optuna_study.set_user_attr(CLOSED, self.file.settings.budget.model_dump(mode="json"))

    def best(self, count: int) -> list[FrozenTrial]:
        """Returns the best complete trials that satisfy every constraint, best first, each configuration once.

        With several objectives it returns the Pareto front, in the order of the first objective.
        """
        several = len(self.optuna_study.directions) > 1
        admitted = self.admitted()
        candidates = (
            admitted.best_trials if several else admitted.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        )
        distinct: dict[str, FrozenTrial] = {}
        for trial in best_first(candidates, self.optuna_study.directions):
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

    def _constrain(self, number: int, violations: Sequence[float]) -> None:
        trial_id = self._trial_id(number)
        if not violations or self._storage.get_trial(trial_id).state.is_finished():
            return
        trial = optuna.Trial(self.optuna_study, trial_id)
        for constraint, violation in zip(self.file.settings.constraints, violations, strict=True):
            # The constraint is already set if an earlier driver died at this point.
            if constraint.text not in trial.constraints:
                trial.set_constraint(constraint.text, violation)

    def _is_closed(self) -> bool:
        # `optuna.Study.user_attrs` would copy all identity sections once per trial.
        closed = self._storage.get_study_user_attrs(self._study_id).get(CLOSED)
        return bool(closed == self.file.settings.budget.model_dump(mode="json"))

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
    return Study(file, *open_optuna_study(file, out, lambda: points_to_begin_with(file)), drivers or SoleDriver())


def read_study(file: StudyFile, out: Path) -> Study:
    """Opens the study of a folder for reading only, even while drivers work on it.

    Args:
        file: `study.yaml` of the folder, which names the storage.
        out: run folder.

    Raises:
        InputError: its journal is not valid, or the database does not answer or holds no such study.
    """
    return Study(file, *read_optuna_study(file, out), SoleDriver())


def points_to_begin_with(file: StudyFile) -> list[dict[str, Raw]]:
    """Returns the stored values of the points that `start_from` names.

    Raises:
        InputError: a former study cannot be read, or has no configuration for this space.
    """

    def best_of(index: int, former: FormerStudy) -> list[Mapping[str, Value]]:
        out = Path(expand(former.study))
        if not (out / STUDY).is_file():
            text = f"there is no study in the folder {out}; write {DEFAULTS}, or the folder of a study's results"
            raise file.document.error((START_FROM, index, "study"), text)
        study = read_study(load_written(out), out)
        return [study.configuration(trial).values for trial in study.best(former.top)]

    try:
        return first_points(file.space, file.settings.start_from, best_of)
    except SpaceError as problem:
        raise file.document.error(problem.parts, problem.problem) from None
