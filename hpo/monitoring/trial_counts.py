"""Counts of a study's trials by how they ended, and the best of them."""

from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.ranking import best_first
from hpo.study.origin import is_counted


@dataclass
class TrialCounts:
    """Numbers of trials that are over, and the best one."""

    complete: int = 0
    pruned: int = 0
    failed: int = 0
    uncounted: int = 0
    """Number of these that the budget does not count: retries, and results from outside."""
    best: tuple[str, float] | None = None
    """Name and first objective of the best trial that keeps every limit."""
    best_trial: FrozenTrial | None = None
    """The same trial, as it was when the counts were made."""

    @property
    def over(self) -> int:
        """Number of trials of the budget that are over."""
        return self.complete + self.pruned + self.failed - self.uncounted


def count_trials(optuna_study: optuna.Study, admitted: optuna.Study | None = None) -> TrialCounts:
    """Returns the counts of a study at this moment.

    Args:
        optuna_study: study with all its trials.
        admitted: the same study without the trials that cannot be the best; None if all can.
    """
    trials = optuna_study.get_trials(deepcopy=False)
    states = [trial.state for trial in trials]
    able = trials if admitted is None else admitted.get_trials(deepcopy=False)
    best = next(iter(best_first(able, optuna_study.directions)), None)
    return TrialCounts(
        complete=states.count(TrialState.COMPLETE),
        pruned=states.count(TrialState.PRUNED),
        failed=states.count(TrialState.FAIL),
        uncounted=sum(trial.state.is_finished() and not is_counted(trial) for trial in trials),
        best=None if best is None else (f"trial {best.number}", best.values[0]),
        best_trial=best,
    )
