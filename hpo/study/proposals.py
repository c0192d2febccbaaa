"""Choice of the trial that a driver runs next, and of its point."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState
from pydantic import ValidationError

from hpo.config.study_file import StudyFile
from hpo.samplers.admitted import AdmittedStudy, given_point
from hpo.samplers.history import FIXED
from hpo.search_space.configuration import Configuration
from hpo.search_space.given_points import check_effect
from hpo.study.attributes import HASH, ORIGIN, RETRY_OF
from hpo.study.drivers import DriverGroup
from hpo.study.leases import OWNER, RunLeases
from hpo.study.origin import is_retry, origin_of, record_end
from segada.core.named_code import CodeFailure
from segada.settings.validation_errors import in_words


@dataclass(frozen=True)
class Proposal:
    """Trial to run."""

    number: int
    configuration: Configuration
    resumed: bool
    """True if an earlier driver started the trial, so that it may have a checkpoint."""
    is_retry: bool = False
    """True if it repeats a failed trial, outside the budget."""


class MayBegin(Protocol):
    """Function that says whether a further trial may begin."""

    def __call__(self, *, sampled: bool) -> bool:
        """Returns True if it may; `sampled` says whether the sampler would choose its point."""


class Proposals:
    """Takes trials for a driver: those of dead drivers first, then retries, then waiting and new ones.

    Points that other programs enqueued are checked against the space; a trial whose point is not possible fails with
    the reason. Call it within `DriverGroup.exclusive`.
    """

    def __init__(self, file: StudyFile, optuna_study: optuna.Study, leases: RunLeases, drivers: DriverGroup) -> None:
        """Wraps an open Optuna study without reading it."""
        self._file = file
        self._optuna_study = optuna_study
        self._storage = optuna_study._storage
        self._leases = leases
        self._drivers = drivers
        self.refused: dict[int, str] = {}
        """Reasons of the trials that failed because of their points, by number."""

    def next(self, admitted: Callable[[], AdmittedStudy], may_begin: MayBegin) -> Proposal | None:
        """Returns the next trial, assigned to this driver; None while there is none.

        Args:
            admitted: returns the study that the sampler sees.
            may_begin: whether the budget and the space allow a further trial; retries begin in any case.
        """
        while (trial := self._next_trial(may_begin)) is not None:
            proposal = self._proposed(trial, admitted)
            if proposal is not None:
                return proposal
        return None

    def _next_trial(self, may_begin: MayBegin) -> FrozenTrial | None:
        """Returns the trial to hand out next, as running."""
        trials = self._optuna_study.get_trials(deepcopy=False)
        running = [trial for trial in trials if trial.state == TrialState.RUNNING]
        free = next((trial for trial in running if self._leases.is_free(trial)), None)
        if free is not None:
            return free
        waiting = [trial for trial in trials if trial.state == TrialState.WAITING]
        enqueued = self._popped(waiting if may_begin(sampled=False) else filter(is_retry, waiting))
        if enqueued is not None or not may_begin(sampled=True):
            return enqueued
        return self._trial(self._storage.create_new_trial(self._optuna_study._study_id))

    def _popped(self, waiting: Iterable[FrozenTrial]) -> FrozenTrial | None:
        for trial in sorted(waiting, key=lambda one: not is_retry(one)):
            # Another program may have taken or closed it meanwhile.
            with suppress(UpdateFinishedTrialError):
                if self._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING):
                    return self._trial(trial._trial_id)
        return None

    def _proposed(self, trial: FrozenTrial, admitted: Callable[[], AdmittedStudy]) -> Proposal | None:
        """Returns a running trial with its whole point; None if the point is not possible."""
        is_begun = OWNER in trial.system_attrs or bool(trial.params)
        self._leases.acquire_trial(trial._trial_id)
        if ORIGIN not in trial.user_attrs:
            self._storage.set_trial_user_attr(trial._trial_id, ORIGIN, origin_of(trial))
        try:
            configuration = self._configured(trial, admitted)
        except CodeFailure:
            # Not a fault of this point: the study goes on with it once the code is mended.
            raise
        except ValueError as problem:
            said = in_words(problem.errors()[0]) if isinstance(problem, ValidationError) else str(problem)
            reason = f"its point is not of this study's space: {said}"
            record_end(self._optuna_study, trial.number, TrialState.FAIL, reason=reason)
            self.refused[trial.number] = reason
            return None
        self._storage.set_trial_system_attr(trial._trial_id, HASH, configuration.hash)
        return Proposal(trial.number, configuration, is_begun, RETRY_OF in trial.user_attrs)

    def _configured(self, trial: FrozenTrial, admitted: Callable[[], AdmittedStudy]) -> Configuration:
        """Returns the configuration of a running trial, once the sampler has chosen what its point lacks.

        Raises:
            ValueError: the point is not of the space, or no run can have it.
        """
        given = given_point(self._file.space, trial)
        fixed = {name: given[name] for name in trial.system_attrs.get(FIXED, {})}
        if fixed:
            # In the types of the space: Optuna would hand them out as they were enqueued.
            self._storage.set_trial_system_attr(trial._trial_id, FIXED, fixed)
        configuration = self._suggested(trial, admitted)
        check_effect(self._file.space, given, self._trial(trial._trial_id).params)
        self._file.run_settings(configuration)
        return configuration

    def _suggested(self, trial: FrozenTrial, admitted: Callable[[], AdmittedStudy]) -> Configuration:
        if self._file.space.is_complete(trial.params):
            return self._file.space.configuration(trial.params)
        # The earlier driver may have died between asking for the trial and setting its last parameter.
        # The other drivers work meanwhile, since it may be slow.
        with self._drivers.released():
            return self._file.space.suggest(optuna.Trial(admitted(), trial._trial_id))

    def _trial(self, trial_id: int) -> FrozenTrial:
        return self._storage.get_trial(trial_id)
