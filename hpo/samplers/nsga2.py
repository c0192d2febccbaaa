"""NSGA-II (Deb et al. 2002), Optuna's, on the whole space."""

from typing import Literal

from optuna.samplers import NSGAIISampler
from pydantic import Field

from hpo.samplers.base import SamplerSettings
from hpo.samplers.flat import FlatSampler
from hpo.space import Space
from segada.settings.base import Fraction


class Nsga2Settings(SamplerSettings):
    """Settings of `NSGAIISampler`."""

    name: Literal["nsga2"]
    population: int = Field(default=12, ge=2)
    """Trials of a generation, the first of which is random; with Optuna's own 50 most studies would have no second."""
    crossover: Fraction = 0.9
    """Probability that a child has two parents."""
    swapping: Fraction = 0.5
    """Probability that a value comes from the second of them."""
    mutation: Fraction | None = None
    """Probability that a value is drawn anew; null changes one of a configuration on average."""

    def build(self, space: Space, trials: int) -> FlatSampler:  # noqa: ARG002 - it may be stopped at any time
        return FlatSampler(space, self.seed, self._nsga2)

    def _nsga2(self, seed: int) -> NSGAIISampler:
        return NSGAIISampler(
            population_size=self.population,
            crossover_prob=self.crossover,
            swapping_prob=self.swapping,
            mutation_prob=self.mutation,
            seed=seed,
        )
