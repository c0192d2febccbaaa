"""Pruner of the user: a function that makes any pruner of Optuna, named as `./file.py:name`."""

from collections.abc import Callable
from typing import cast

import numpy as np
from optuna import Study
from optuna.pruners import BasePruner
from optuna.trial import FrozenTrial

from segada.core.named_code import CodeFailure, called, load_code
from segada.settings.base import Count, Number
from segada.settings.named_kinds import CodeSettings


class CodePruner(CodeSettings):
    """Section `pruning` that names code of the user.

    The code is called with its settings and returns an Optuna pruner, which is asked after each visit. A trial's
    intermediate values are those of the objective, by number of visits.
    """

    role = "pruner"

    name: str
    min_visits: Count = 2
    """Number of visits that every trial completes."""
    n_startup_trials: Number = 0
    """Number of first trials that are never pruned."""

    def made(self) -> BasePruner:
        """Calls the code.

        Raises:
            CodeFailure: It fails, or returns no pruner of Optuna.
        """
        make = cast("Callable[[CodePruner], object]", load_code(self.name))
        pruner = called("the pruner", self.name, lambda: make(self))
        if not isinstance(pruner, BasePruner):
            raise CodeFailure(f"the pruner {self.name} returns {pruner!r}; return an optuna.pruners.BasePruner")
        return OwnPruner(self.name, pruner)


class OwnPruner(BasePruner):
    """Asks a pruner of the user, and says whose error it is."""

    def __init__(self, name: str, pruner: BasePruner) -> None:
        """Takes the name in settings and the pruner."""
        self._name = name
        self._pruner = pruner

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Returns True if the trial stops now.

        Raises:
            CodeFailure: The pruner fails, or answers with neither true nor false.
        """
        answer: object = called("the pruner", self._name, lambda: self._pruner.prune(study, trial))
        if not isinstance(answer, bool | np.bool_):
            raise CodeFailure(f"the pruner {self._name} answers {answer!r}; return True or False")
        return bool(answer)
