"""NSGA-III (Deb and Jain 2014): Optuna's implementation, on the whole space, for four and more objectives."""

import warnings
from typing import Literal

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import NSGAIIISampler
from pydantic import Field

from hpo.samplers.evolution import EvolutionSettings
from hpo.samplers.unconditional import UnconditionalSampler
from hpo.search_space import Space
from segada.settings.limits import DIVISIONS


class Nsga3Settings(EvolutionSettings):
    """Settings of `NSGAIIISampler`."""

    name: Literal["nsga3"]
    dividing_parameter: int = Field(default=3, ge=1, le=DIVISIONS)
    """Divisions of each objective's axis between the reference points of the survivors."""

    def build(self, space: Space, trials: int) -> UnconditionalSampler:  # noqa: ARG002 - it may be stopped at any time
        return UnconditionalSampler(space, self.seed, self._nsga3)

    def _nsga3(self, seed: int) -> NSGAIIISampler:
        with warnings.catch_warnings():
            # The sampler is experimental in Optuna and may change; the contract tests would show it.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return NSGAIIISampler(
                population_size=self.population_size,
                crossover_prob=self.crossover_prob,
                swapping_prob=self.swapping_prob,
                mutation_prob=self.mutation_prob,
                dividing_parameter=self.dividing_parameter,
                seed=seed,
            )
