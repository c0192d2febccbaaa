"""CMA-ES with margin (Hamano et al. 2022, arXiv 2205.13482): Optuna's implementation, on the whole space."""

import warnings
from typing import Literal

from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import CmaEsSampler
from pydantic import Field

from hpo.samplers.base import SamplerSettings
from hpo.samplers.unconditional import UnconditionalSampler
from hpo.search_space import Space
from segada.settings.base import Count
from segada.settings.limits import POPULATION


class CmaesSettings(SamplerSettings):
    """Settings of `CmaesSampler`."""

    name: Literal["cmaes"]
    n_startup_trials: Count = 1
    """Number of random trials before the first generation."""
    population_size: int | None = Field(default=None, ge=4, le=POPULATION)
    """Trials per generation; null uses 4 + 3 times the logarithm of the number of dimensions."""
    with_margin: bool = True
    """Keep a minimum probability for every integer and choice, which would vanish as the distribution narrows."""

    def build(self, space: Space, trials: int) -> "CmaesSampler":  # noqa: ARG002 - it may be stopped at any time
        return CmaesSampler(space, self.seed, self._cmaes)

    def _cmaes(self, seed: int) -> CmaEsSampler:
        with warnings.catch_warnings():
            # The margin is experimental in Optuna and may be renamed; the contract tests would show it.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return CmaEsSampler(
                n_startup_trials=self.n_startup_trials,
                popsize=self.population_size,
                with_margin=self.with_margin,
                warn_independent_sampling=False,
                seed=seed,
            )


class CmaesSampler(UnconditionalSampler):
    """CMA-ES on integers for choices; the single objective that it minimizes is the rank of a trial.

    CMA-ES uses only the order within a generation, so ranks suffice for several objectives and for constraints.
    """

    ranked = True

    def code(self, distribution: BaseDistribution) -> BaseDistribution:
        if isinstance(distribution, CategoricalDistribution):
            return IntDistribution(0, len(distribution.choices) - 1)
        return distribution
