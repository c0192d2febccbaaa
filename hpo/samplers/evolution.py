"""What Optuna's evolutionary samplers are told alike."""

from pydantic import Field

from hpo.samplers.base import SamplerSettings
from segada.settings.base import Fraction
from segada.settings.limits import POPULATION


class EvolutionSettings(SamplerSettings):
    """A population, and how children are made of it."""

    population_size: int = Field(default=12, ge=2, le=POPULATION)
    """Trials of a generation, the first of which is random; with Optuna's own 50 most studies would have no second."""
    crossover_prob: Fraction = 0.9
    """Probability that a child has two parents."""
    swapping_prob: Fraction = 0.5
    """Probability that a value comes from the second of them."""
    mutation_prob: Fraction | None = None
    """Probability that a value is drawn anew; null changes one of a configuration on average."""
