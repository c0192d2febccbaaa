"""Tree-structured Parzen estimator (Bergstra et al. 2011): Optuna's implementation."""

import copy
import warnings
from collections.abc import Callable, Sequence
from typing import Literal

from optuna import Study
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.base import SamplerSettings
from hpo.samplers.history import Genome, rung_losses_of
from hpo.samplers.optuna_sampler import OptunaPointSampler
from hpo.samplers.unconditional import FlatStudy
from hpo.search_space import Space
from segada.settings.base import Count


class TpeSettings(SamplerSettings):
    """Settings of `TPESampler`."""

    name: Literal["tpe"]
    n_startup_trials: Count = 8
    """Number of random trials before the model is used."""
    multivariate: bool = True
    """Model parameters jointly; conditional parameters in groups."""
    constant_liar: bool = True
    """Count running trials as bad, so that workers asking at the same time get different proposals."""

    def build(self, space: Space, trials: int) -> "TpeJudgedSampler":  # noqa: ARG002 - it may be stopped at any time
        return TpeJudgedSampler(space, self.seed, self._tpe)

    def _tpe(self, seed: int) -> TPESampler:
        with warnings.catch_warnings():
            # Groups of conditional parameters are experimental in Optuna and may be renamed; the contract tests would
            # show it.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(
                seed=seed,
                n_startup_trials=self.n_startup_trials,
                multivariate=self.multivariate,
                group=self.multivariate,
                constant_liar=self.constant_liar,
            )


class TpeJudgedSampler(OptunaPointSampler):
    """Shows the estimator pruned trials by the value that pruned them, not by their objective so far.

    The estimator ranks pruned trials by number of visits and then by intermediate value. After some visits the
    objective says less about its final value than the pruner's does (docs/samplers.md, "Prediction from the first
    visits").
    """

    def __init__(self, space: Space, seed: int, make: Callable[[int], BaseSampler]) -> None:
        super().__init__(space, seed, make)
        self._sign = 1.0
        self._judged: dict[int, FrozenTrial] = {}

    def begin(self, study: Study) -> None:
        self._sign = -1.0 if study.directions[0] == StudyDirection.MAXIMIZE else 1.0
        self._judged = {}

    def propose(self, study: Study, trial: FrozenTrial, attempt: int) -> Genome:
        # With several objectives the estimator reads no values of pruned trials.
        if len(study.directions) > 1:
            return super().propose(study, trial, attempt)
        return super().propose(FlatStudy(study, self._shown, ranked=False), trial, attempt)

    def _shown(self, trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
        return [self._seen(trial) if trial.state == TrialState.PRUNED else trial for trial in trials]

    def _seen(self, trial: FrozenTrial) -> FrozenTrial:
        if trial.number not in self._judged:
            seen = copy.copy(trial)
            judged = rung_losses_of(trial)
            seen.intermediate_values = {visits: self._sign * losses[0] for visits, losses in judged.items()}
            self._judged[trial.number] = seen
        return self._judged[trial.number]
