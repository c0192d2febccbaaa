"""Counts of a study's trials by how they ended, and the best of them."""

from dataclasses import dataclass

import optuna
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.ranking import best_first
from hpo.study.attributes import ORIGIN


@dataclass
class TrialCounts:
    """Numbers of trials that are over, without results taken over from former studies, and the best of all."""

    complete: int = 0
    pruned: int = 0
    failed: int = 0
    taken_over: int = 0
    """Number of results of former studies, which use nothing of the budget."""
    best: tuple[str, float] | None = None
    """Name and first objective of the best trial that keeps every limit."""
    best_trial: FrozenTrial | None = None
    """The same trial, as it was when the counts were made."""

    @property
    def over(self) -> int:
        """Number of trials that are over."""
        return self.complete + self.pruned + self.failed


def count_trials(optuna_study: optuna.Study) -> TrialCounts:
    """Returns the counts of a study at this moment."""
    trials = optuna_study.get_trials(deepcopy=False)
    states = [trial.state for trial in trials if ORIGIN not in trial.user_attrs]
    best = next(iter(best_first(trials, optuna_study.directions)), None)
    return TrialCounts(
        complete=states.count(TrialState.COMPLETE),
        pruned=states.count(TrialState.PRUNED),
        failed=states.count(TrialState.FAIL),
        taken_over=len(trials) - len(states),
        best=None if best is None else (f"trial {best.number}", best.values[0]),
        best_trial=best,
    )
