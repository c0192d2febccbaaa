"""CMA-ES with margin (Hamano et al. 2022, arXiv 2205.13482), Optuna's, on the whole space."""

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
    """Settings of `CmaEsSampler`."""

    name: Literal["cmaes"]
    n_startup_trials: Count = 1
    """Trials drawn at random before the first generation."""
    population_size: int | None = Field(default=None, ge=4, le=POPULATION)
    """Trials of a generation; null has 4 and three times the logarithm of the number of dimensions more."""
    with_margin: bool = True
    """Keep a probability for every whole number and choice, which would be lost as the distribution narrows."""

    def build(self, space: Space, trials: int) -> "CmaesSampler":  # noqa: ARG002 - it may be stopped at any time
        return CmaesSampler(space, self.seed, self._cmaes)

    def _cmaes(self, seed: int) -> CmaEsSampler:
        with warnings.catch_warnings():
            # The margin is an option that Optuna may yet rename; the contract tests would tell.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return CmaEsSampler(
                n_startup_trials=self.n_startup_trials,
                popsize=self.population_size,
                with_margin=self.with_margin,
                warn_independent_sampling=False,
                seed=seed,
            )


class CmaesSampler(UnconditionalSampler):
    """Choices are whole numbers to it, and places in the order of trials are the one thing that it minimizes.

    It goes by the order of a generation alone, so that it needs no more of several objectives or of limits.
    """

    ranked = True

    def code(self, distribution: BaseDistribution) -> BaseDistribution:
        if isinstance(distribution, CategoricalDistribution):
            return IntDistribution(0, len(distribution.choices) - 1)
        return distribution
