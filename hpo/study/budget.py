"""Budget of a study: which trials count, how many are left, and whether one of the file can still be reached."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal

from optuna.trial import FrozenTrial

from hpo.study.origin import is_counted
from hpo.study.trial_records import STATES

EndedBy = Literal["", "hours", "space"]
"""Limit, other than the number of trials, after which no further trial starts: `budget.hours`, or the space, if all of
its configurations have been tried; empty while there is none."""


@dataclass(frozen=True)
class TrialBudget:
    """Numbers of a study's trials at one moment, beside the number that its budget allows.

    Attributes:
        trials: Number of trials of the budget; None if it is unknown.
        complete: Number of completed trials.
        pruned: Number of pruned trials, which count in the budget.
        failed: Number of failed trials, which count in the budget.
        running: Number of trials that have started and are not over, interrupted ones included.
        waiting: Number of enqueued trials that have not started, such as points of `start_from`.
        ended_by: Limit that has ended the search before all trials of the budget.
        uncounted: Number of finished trials that do not count: retries, results from outside and of former studies.
        retries: Number of retries that are not over, which do not count.
    """

    trials: int | None
    complete: int = 0
    pruned: int = 0
    failed: int = 0
    running: int = 0
    waiting: int = 0
    ended_by: EndedBy = ""
    uncounted: int = 0
    retries: int = 0

    @property
    def over(self) -> int:
        """Number of trials that are over."""
        return self.complete + self.pruned + self.failed

    @property
    def started(self) -> int:
        """Number of trials that count: those that are over and those that are running."""
        return self.over + self.running

    @property
    def to_start(self) -> int:
        """Number of trials that have yet to start; 0 if the budget is unknown."""
        return 0 if self.ended_by or self.trials is None else max(self.trials - self.started, 0)

    @property
    def left(self) -> int:
        """Number of trials that have yet to end, running ones and retries included."""
        return self.running + self.to_start + self.retries

    @property
    def enqueued(self) -> int:
        """Number of trials to start that are enqueued: they start before the sampler proposes others."""
        return min(self.waiting, self.to_start)

    @property
    def beyond(self) -> int:
        """Number of enqueued trials that the budget does not reach."""
        return 0 if self.trials is None else self.waiting - self.enqueued


def trial_budget(states: Iterable[str], trials: int | None, ended_by: EndedBy = "") -> TrialBudget:
    """Returns the budget of a study whose trials have these states.

    Args:
        states: State of every trial, a value of `hpo.study.trial_records.STATES`.
        trials: Number of trials of the budget; None if it is unknown.
        ended_by: Limit that has ended the search.
    """
    known = list(states)
    return TrialBudget(
        trials=trials,
        complete=known.count("complete"),
        pruned=known.count("pruned"),
        failed=known.count("fail"),
        running=known.count("running"),
        waiting=known.count("waiting"),
        ended_by=ended_by,
    )


def budget_of(trials: Iterable[FrozenTrial], most: int | None, ended_by: EndedBy = "") -> TrialBudget:
    """Returns the budget of a study with these trials.

    Args:
        trials: All trials of the study.
        most: Number of trials of the budget; None if it is unknown.
        ended_by: Limit that has ended the search.
    """
    known = list(trials)
    others = [trial for trial in known if not is_counted(trial)]
    counted = trial_budget((STATES[trial.state] for trial in known if is_counted(trial)), most, ended_by)
    over = sum(trial.state.is_finished() for trial in others)
    return replace(counted, uncounted=over, retries=len(others) - over)


@dataclass(frozen=True)
class ConfirmationBudget:
    """Numbers of a study's confirmation runs at one moment.

    Attributes:
        planned: Number of runs; the greatest possible one while the search is not over.
        done: Number of these that are done.
        failed: Number of these that failed.
        is_final: True if the search is over, so that the runs are known.
    """

    planned: int
    done: int = 0
    failed: int = 0
    is_final: bool = False

    @property
    def left(self) -> int:
        """Number of runs that have yet to end."""
        return self.planned - self.done - self.failed
