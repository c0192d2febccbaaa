"""Contract of every pruner of the user."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import optuna
from optuna.pruners import BasePruner
from optuna.trial import TrialState
from pydantic import TypeAdapter

from hpo.pruners.settings import PruningSettings, build_pruner
from segada.settings.nested import Tree
from segada.testing.findings import Checks, require

VISITS: Final = 4
GOOD: Final = (0.60, 0.58, 0.56, 0.55)
"""Objective of a good trial after each visit; those of worse ones are lower by a constant."""


@dataclass(frozen=True)
class PrunerCase:
    """A pruner by its settings.

    Attributes:
        settings: Settings with the name of the pruner.
    """

    settings: Tree

    @classmethod
    def of(cls, name: str, values: Tree) -> "PrunerCase":
        """Returns the case of a pruner.

        Raises:
            pydantic.ValidationError: The settings are not those of the pruner.
        """
        case = cls({**values, "name": name})
        case.built()
        return case

    def built(self) -> BasePruner:
        """Builds the pruner anew, as a new process does."""
        return build_pruner(TypeAdapter(PruningSettings).validate_python(self.settings), Path())

    def study(self, losses: Sequence[float]) -> optuna.Study:
        """Returns a study to be maximized with a finished trial for each amount below `GOOD`."""
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        study = optuna.create_study(direction="maximize", pruner=self.built())
        for loss in losses:
            trial = study.ask()
            for visit, value in enumerate(GOOD, start=1):
                trial.report(value - loss, visit)
            study.tell(trial, GOOD[-1] - loss)
        return study

    def verdicts(self, study: optuna.Study, loss: float, pruner: BasePruner | None = None) -> list[object]:
        """Returns the answers for a trial that runs, after each of its visits but the last."""
        trial, answers = study.ask(), list[object]()
        for visit in range(1, VISITS):
            trial.report(GOOD[visit - 1] - loss, visit)
            frozen = next(one for one in study.trials if one.number == trial.number)
            answers.append((pruner or study.pruner).prune(study, frozen))
        study.tell(trial, state=TrialState.FAIL)
        return answers


def _truth_values(case: PrunerCase) -> None:
    for losses, loss in (((), 0.0), ((0.0, 0.1, 0.2), 0.5), ((0.0,) * 5, 0.0)):
        answers = case.verdicts(case.study(losses), loss)
        # numpy's truth values are no bool.
        require(all(isinstance(bool(one), bool) and one in (True, False) for one in answers), f"it answers {answers}")


def _alone(case: PrunerCase) -> None:
    answers = case.verdicts(case.study(()), 0.0)
    require(not any(answers), "it prunes the first trial of a study, which nothing is better than")


def _best(case: PrunerCase) -> None:
    answers = case.verdicts(case.study([0.1 * number for number in range(1, 9)]), 0.0)
    require(not any(answers), "it prunes a trial that is better after every visit than all before it")


def _state(case: PrunerCase) -> None:
    losses = [0.02 * number for number in range(8)]
    for loss in (0.0, 0.05, 0.3):
        study = case.study(losses)
        former = case.verdicts(study, loss)
        again = case.verdicts(case.study(losses), loss, case.built())
        require(former == again, f"a new process answers {again} where the former one answered {former}")


def _reads(case: PrunerCase) -> None:
    study = case.study((0.0, 0.1, 0.2))
    before = [(one.state, one.params, one.user_attrs) for one in study.trials]
    case.verdicts(study, 0.3)
    require([(one.state, one.params, one.user_attrs) for one in study.trials[:3]] == before, "it changes other trials")


def _failed(case: PrunerCase) -> None:
    study = case.study((0.0,))
    for _ in range(3):
        study.tell(study.ask(), state=TrialState.FAIL)
    case.verdicts(study, 0.1)


PRUNER_CHECKS: Final[Checks[PrunerCase]] = {
    "it answers with true or false": _truth_values,
    "it does not prune the first trial": _alone,
    "it does not prune the best trial": _best,
    "a new process gives the same answers: its state is in the study": _state,
    "it only reads the study": _reads,
    "trials that failed before their first visit are no obstacle": _failed,
}
