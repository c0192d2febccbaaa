"""The ledger of a search: an Optuna study that is opened or continued, asked and told."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from hpo.config.start_from import DEFAULTS, START_FROM, FormerStudy, first_points
from hpo.config.study_file import StudyFile, load_written
from hpo.pruners.halving import RUNG
from hpo.samplers.ranking import best_first
from hpo.search_space import SpaceError
from hpo.search_space.configuration import Configuration
from hpo.search_space.parameter import Raw
from hpo.study.attributes import INCIDENTS, REASON
from hpo.study.drivers import DriverGroup, SoleDriver
from hpo.study.leases import OWNER, RunLeases
from hpo.study.opening import open_optuna_study, read_optuna_study
from segada.settings.folders import expand
from segada.settings.nested import Value

HASH = "configuration"
"""User attribute of every trial: `Configuration.hash`."""
CLOSED = "closed"
"""User attribute of a study whose hours are over: the budget that they belong to."""


@dataclass(frozen=True)
class Proposal:
    """A trial to run."""

    number: int
    configuration: Configuration
    resumed: bool
    """Whether a former driver began it, so that it may have a checkpoint."""


class Study:
    """Hands out trials and takes in their results. The study's storage is the only memory."""

    def __init__(self, file: StudyFile, optuna_study: optuna.Study, storage: BaseStorage, drivers: DriverGroup) -> None:
        """Reads nothing yet.

        Args:
            file: the study file that the ledger was opened for.
            optuna_study: the Optuna study.
            storage: where it is kept.
            drivers: who else works on it.
        """
        self.file = file
        self.optuna_study = optuna_study
        self.drivers = drivers
        self._storage = storage
        self._study_id = storage.get_study_id_from_name(optuna_study.study_name)
        self._visits = len(file.run_settings().stream.all_visits())
        self.leases = RunLeases(storage, self._study_id, drivers)

    def ask(self) -> Proposal | None:
        """The next trial to run, which is this driver's from now on; None while there is none.

        Those come first whose driver is no longer at work; then new ones, until the budget has been handed out. None is
        not the last word while others run trials: they may die.
        """
        with self.drivers.exclusive():
            running = self._trials(TrialState.RUNNING)
            free = next((trial for trial in running if self.leases.is_free(trial)), None)
            if free is not None:
                self.leases.acquire_trial(free._trial_id)
                return self._taken_up(free.number)
            if self._is_closed() or len(running) + len(self.finished()) >= self.file.settings.budget.trials:
                return None
            trial = self.optuna_study.ask()
            self.leases.acquire_trial(trial._trial_id)
            configuration = self.file.space.suggest(trial)
            trial.set_user_attr(HASH, configuration.hash)
            return Proposal(trial.number, configuration, resumed=False)

    def has(self, number: int) -> bool:
        """Whether a trial is still this driver's: another one may have taken it for dead."""
        return self.leases.owns_trial(self._trial_id(number))

    def report(self, number: int, visits: int, value: float, losses: Sequence[float] = ()) -> bool:
        """Notes how a running trial does, and says whether it is pruned now.

        It is closed in the same breath: the pruner judges a trial once, so a verdict that nobody writes down is lost.

        Args:
            number: the trial's.
            visits: that it has completed.
            value: of the rung, one of `objectives.RUNG_VALUES`; larger is better.
            losses: `objectives.rung_losses` of these visits, by which a study with several objectives prunes instead.
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
        # A trial that has driven the whole stream is paid for: it counts, however it ranks.
        hopeless = visits < self._visits and self.optuna_study.pruner.prune(
            self.optuna_study, self._storage.get_trial(trial_id)
        )
        return hopeless and self.prune(number) == TrialState.PRUNED

    def note(self, number: int, incident: str) -> None:
        """Keeps what happened to a running trial, though it goes on."""
        trial_id = self._trial_id(number)
        trial = self._storage.get_trial(trial_id)
        if not trial.state.is_finished():
            incidents = [*trial.user_attrs.get(INCIDENTS, []), " ".join(incident.split())]
            self._storage.set_trial_user_attr(trial_id, INCIDENTS, incidents)

    def complete(self, number: int, values: Sequence[float], violations: Sequence[float] = ()) -> TrialState:
        """Closes a trial with its objective values, in the study's order; as failed if one of them is not finite.

        Args:
            number: the trial's.
            values: of the objectives.
            violations: of the constraints, in the study's order; at most 0 where a limit is kept.

        Like `prune` and `fail`: a trial that is closed already stays as it is, and the state it has is returned.
        """
        metrics = [objective.metric for objective in self.file.settings.objectives]
        broken = [
            f"{metric} is {value}" for metric, value in zip(metrics, values, strict=True) if not math.isfinite(value)
        ]
        if broken:
            return self.fail(number, ", ".join(broken))
        self._constrain(number, violations)
        return self.optuna_study.tell(number, list(values), skip_if_finished=True).state

    def prune(self, number: int) -> TrialState:
        """Closes a trial that stopped early; its last reported gain stays with it."""
        return self.optuna_study.tell(number, state=TrialState.PRUNED, skip_if_finished=True).state

    def fail(self, number: int, reason: str) -> TrialState:
        """Closes a trial that has no result, with the reason in one line."""
        trial_id = self._trial_id(number)
        if not self._storage.get_trial(trial_id).state.is_finished():
            self._storage.set_trial_user_attr(trial_id, REASON, " ".join(reason.split()))
        return self.optuna_study.tell(number, state=TrialState.FAIL, skip_if_finished=True).state

    def finished(self) -> list[FrozenTrial]:
        """Trials that are closed, in order of their numbers: complete, pruned and failed ones."""
        return self._trials(TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)

    def remaining(self) -> int:
        """Trials that have yet to finish until the budget is spent; those running now are among them."""
        if self._is_closed():
            return len(self._trials(TrialState.RUNNING))
        return max(self.file.settings.budget.trials - len(self.finished()), 0)

    def is_search_over(self) -> bool:
        """Whether the budget is spent, in trials or in hours, so that what is best so far may be confirmed."""
        return self.remaining() == 0 and not self._trials(TrialState.RUNNING)

    def owners(self) -> set[str]:
        """Drivers that have the trials that run."""
        owners = (trial.user_attrs.get(OWNER) for trial in self._trials(TrialState.RUNNING))
        return {owner for owner in owners if owner is not None}

    def close(self) -> None:
        """Starts no further trial, in this process or a later one, until the study file names another budget."""
        if not self._is_closed():
            self.optuna_study.set_user_attr(CLOSED, self.file.settings.budget.model_dump(mode="json"))

    def best(self, count: int) -> list[FrozenTrial]:
        """The best complete trials that keep every constraint, best first, each configuration once.

        With several objectives these are the Pareto front, in the order of the first objective.
        """
        several = len(self.optuna_study.directions) > 1
        candidates = self.optuna_study.best_trials if several else self._trials(TrialState.COMPLETE)
        distinct: dict[str, FrozenTrial] = {}
        for trial in best_first(candidates, self.optuna_study.directions):
            if len(distinct) == count:
                break
            distinct.setdefault(self.configuration(trial).hash, trial)
        return list(distinct.values())

    def remove(self) -> None:
        """Removes it, with all its trials, from the storage that keeps it."""
        self._storage.delete_study(self._study_id)

    def configuration(self, trial: FrozenTrial) -> Configuration:
        """What a trial changed."""
        return self.file.space.configuration(trial.params)

    def _constrain(self, number: int, violations: Sequence[float]) -> None:
        trial_id = self._trial_id(number)
        if not violations or self._storage.get_trial(trial_id).state.is_finished():
            return
        trial = optuna.Trial(self.optuna_study, trial_id)
        for constraint, violation in zip(self.file.settings.constraints, violations, strict=True):
            # Set already if a driver died just here.
            if constraint.text not in trial.constraints:
                trial.set_constraint(constraint.text, violation)

    def _is_closed(self) -> bool:
        # The ledger's own attributes would be a copy of everything that identifies a study, once a trial.
        closed = self._storage.get_study_user_attrs(self._study_id).get(CLOSED)
        return bool(closed == self.file.settings.budget.model_dump(mode="json"))

    def _taken_up(self, number: int) -> Proposal:
        trial_id = self._trial_id(number)
        frozen = self._storage.get_trial(trial_id)
        if self.file.space.is_complete(frozen.params):
            return Proposal(number, self.configuration(frozen), resumed=True)
        # The driver died between asking for the trial and naming its last parameter.
        return Proposal(number, self.file.space.suggest(optuna.Trial(self.optuna_study, trial_id)), resumed=True)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self.optuna_study.get_trials(deepcopy=False, states=states)

    def _trial_id(self, number: int) -> int:
        return self._storage.get_trial_id_from_study_id_trial_number(self._study_id, number)


def open_study(file: StudyFile, out: Path, drivers: DriverGroup | None = None) -> Study:
    """Opens the study of a folder, or begins it with what the file says is tried first.

    Call it before anything else is written into the folder: it refuses without a trace.

    Args:
        file: the study, which may name the database that keeps it; see `hpo.study.storage.place_of`.
        out: the folder of the results; holds the journal where there is no database.
        drivers: who else works on it, `exclusive` while this is called; None where nobody can.

    Raises:
        InputError: the folder, or the database under this name, holds another study; or a former study that this one
            is to begin with cannot be read.
    """
    return Study(file, *open_optuna_study(file, out, lambda: points_to_begin_with(file)), drivers or SoleDriver())


def read_study(file: StudyFile, out: Path) -> Study:
    """The study of a folder, to be looked at only: nothing is written, and drivers may go on meanwhile.

    Args:
        file: `study.yaml` of the folder, which says where the study is kept.
        out: the folder.

    Raises:
        InputError: what should be its journal is none, or the database does not answer or holds no such study.
    """
    return Study(file, *read_optuna_study(file, out), SoleDriver())


def points_to_begin_with(file: StudyFile) -> list[dict[str, Raw]]:
    """Stored values of the points that `start_from` names.

    Raises:
        InputError: a former study among them cannot be read, or has nothing for this space.
    """

    def best_of(index: int, former: FormerStudy) -> list[Mapping[str, Value]]:
        out = Path(expand(former.study))
        if not (out / "study.yaml").is_file():
            text = f"there is no study in the folder {out}; write {DEFAULTS}, or the folder of a study's results"
            raise file.document.error((START_FROM, index, "study"), text)
        study = read_study(load_written(out), out)
        return [study.configuration(trial).values for trial in study.best(former.top)]

    try:
        return first_points(file.space, file.settings.start_from, best_of)
    except SpaceError as problem:
        raise file.document.error(problem.parts, problem.problem) from None
