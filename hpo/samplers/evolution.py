"""Settings shared by Optuna's evolutionary samplers."""

from pydantic import Field

from hpo.samplers.base import SamplerSettings
from segada.settings.base import Fraction
from segada.settings.limits import POPULATION


class EvolutionSettings(SamplerSettings):
    """Population and variation of an evolutionary sampler."""

    population_size: int = Field(default=12, ge=2, le=POPULATION)
    """Trials per generation; the first generation is random. With Optuna's default of 50, most studies would have no
    second generation.
    """
    crossover_prob: Fraction = 0.9
    """Probability that a child has two parents."""
    swapping_prob: Fraction = 0.5
    """Probability that a value comes from the second parent."""
    mutation_prob: Fraction | None = None
    """Probability that a value is redrawn; null changes one value per configuration on average."""
