"""Counts of a study's trials by how they ended, and the best of them."""

from dataclasses import dataclass

from optuna.trial import FrozenTrial

from hpo.study.budget import TrialBudget
from hpo.study.study import Study


@dataclass(frozen=True)
class TrialCounts:
    """Trials of a study at one moment, those of other drivers included.

    Attributes:
        budget: Numbers of the trials, and what is left.
        best: Best trial that keeps every constraint; None if there is none.
    """

    budget: TrialBudget
    best: FrozenTrial | None = None


def count_trials(study: Study) -> TrialCounts:
    """Returns the counts of a study at this moment."""
    return TrialCounts(study.budget(), next(iter(study.best(1)), None))
