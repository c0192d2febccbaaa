"""Origin of a trial's point and of its end: this program, or people who work on the study with others."""

from collections.abc import Sequence
from typing import Final

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.history import FIXED
from hpo.study.attributes import ENDED, ORIGIN, REASON, RETRY_OF, TAKEN_OVER
from hpo.study.leases import OWNER

SAMPLER: Final = "sampler"
START: Final = "start point"
"""Origin of a trial from `start_from`."""
ADDED: Final = "added"
"""Origin of a trial from `hpo trial add`."""
ENQUEUED: Final = "enqueued"
"""Origin of a trial that another program enqueued, such as optuna-dashboard."""
OUTSIDE: Final = "outside"
"""Origin of a trial that another program added with its end."""
FORMER: Final = "former study"
"""Origin of a result of a former study."""
RETRY: Final = "retry of trial {number}"


def origin_of(trial: FrozenTrial) -> str:
    """Returns who chose the point of a trial."""
    if TAKEN_OVER in trial.user_attrs:
        return FORMER
    if ORIGIN in trial.user_attrs:
        return str(trial.user_attrs[ORIGIN])
    if trial.state.is_finished() and OWNER not in trial.system_attrs:
        return OUTSIDE
    return ENQUEUED if FIXED in trial.system_attrs else SAMPLER


def is_retry(trial: FrozenTrial) -> bool:
    """Returns True if a trial repeats a failed one, so that the budget does not count it."""
    return RETRY_OF in trial.user_attrs


def is_counted(trial: FrozenTrial) -> bool:
    """Returns True if the budget counts a trial: not a retry, and not a result that no driver of the study ran."""
    return not is_retry(trial) and (not trial.state.is_finished() or OWNER in trial.system_attrs)


def record_end(
    study: optuna.Study, number: int, state: TrialState, values: Sequence[float] | None = None, reason: str = ""
) -> TrialState:
    """Closes a running trial; one that is already closed stays unchanged. Returns its state.

    Args:
        study: study of the trial.
        number: number of the trial.
        state: how it ends.
        values: objective values of a complete trial.
        reason: why it ends early.
    """
    storage = study._storage
    trial_id = storage.get_trial_id_from_study_id_trial_number(study._study_id, number)
    if not storage.get_trial(trial_id).state.is_finished():
        if reason:
            storage.set_trial_user_attr(trial_id, REASON, " ".join(reason.split()))
        storage.set_trial_system_attr(trial_id, ENDED, value=True)
    return study.tell(number, values, state, skip_if_finished=True).state


def ended_outside(trial: FrozenTrial) -> bool:
    """Returns True if another program recorded the end of a trial, or added it with its end."""
    if not trial.state.is_finished() or ENDED in trial.system_attrs or TAKEN_OVER in trial.user_attrs:
        return False
    # Trials of versions that did not record an origin have an owner alone, and ended by their runs.
    return OWNER not in trial.system_attrs or ORIGIN in trial.user_attrs


def account(trial: FrozenTrial) -> str:
    """Returns the reason of a trial's end, in one line; empty if it ended by itself without one."""
    reason = " ".join(str(trial.user_attrs.get(REASON, "")).split())
    if not ended_outside(trial):
        return reason
    told = f"told {trial.state.name} from outside"
    if OWNER not in trial.system_attrs:
        told = "result from outside, without a run" if trial.state == TrialState.COMPLETE else told
    return f"{reason} ({told})" if reason else told
