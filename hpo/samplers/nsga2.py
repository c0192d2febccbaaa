"""NSGA-II (Deb et al. 2002): Optuna's implementation, on the whole space."""

from typing import Literal

from optuna.samplers import NSGAIISampler

from hpo.samplers.evolution import EvolutionSettings
from hpo.samplers.unconditional import UnconditionalSampler
from hpo.search_space import Space


class Nsga2Settings(EvolutionSettings):
    """Settings of `NSGAIISampler`."""

    name: Literal["nsga2"]

    def build(self, space: Space, trials: int) -> UnconditionalSampler:  # noqa: ARG002 - it may be stopped at any time
        return UnconditionalSampler(space, self.seed, self._nsga2)

    def _nsga2(self, seed: int) -> NSGAIISampler:
        return NSGAIISampler(
            population_size=self.population_size,
            crossover_prob=self.crossover_prob,
            swapping_prob=self.swapping_prob,
            mutation_prob=self.mutation_prob,
            seed=seed,
        )
