"""NSGA-III (Deb and Jain 2014), Optuna's, on the whole space: for four objectives and more."""

import warnings
from typing import Literal

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import NSGAIIISampler
from pydantic import Field

from hpo.samplers.base import SamplerSettings
from hpo.samplers.flat import FlatSampler
from hpo.space import Space
from segada.settings.base import Count, Fraction


class Nsga3Settings(SamplerSettings):
    """Settings of `NSGAIIISampler`."""

    name: Literal["nsga3"]
    population: int = Field(default=12, ge=2)
    """Trials of a generation, the first of which is random."""
    crossover: Fraction = 0.9
    """Probability that a child has two parents."""
    swapping: Fraction = 0.5
    """Probability that a value comes from the second of them."""
    mutation: Fraction | None = None
    """Probability that a value is drawn anew; null changes one of a configuration on average."""
    divisions: Count = 3
    """Of each objective's axis, between the reference points that the survivors are spread over."""

    def build(self, space: Space, trials: int) -> FlatSampler:  # noqa: ARG002 - it may be stopped at any time
        return FlatSampler(space, self.seed, self._nsga3)

    def _nsga3(self, seed: int) -> NSGAIIISampler:
        with warnings.catch_warnings():
            # Optuna may yet change the sampler; the contract tests would tell.
            warnings.simplefilter("ignore", ExperimentalWarning)
            return NSGAIIISampler(
                population_size=self.population,
                crossover_prob=self.crossover,
                swapping_prob=self.swapping,
                mutation_prob=self.mutation,
                dividing_parameter=self.divisions,
                seed=seed,
            )
