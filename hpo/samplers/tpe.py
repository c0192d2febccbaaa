"""Tree-structured Parzen estimator (Bergstra et al. 2011): Optuna's implementation."""

import warnings
from typing import Literal

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import TPESampler

from hpo.samplers.base import SamplerSettings
from hpo.samplers.optuna_sampler import OptunaPointSampler
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

    def build(self, space: Space, trials: int) -> OptunaPointSampler:  # noqa: ARG002 - it may be stopped at any time
        return OptunaPointSampler(space, self.seed, self._tpe)

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
