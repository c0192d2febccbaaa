"""Base class of the settings of all samplers."""

from abc import abstractmethod

from optuna.samplers import BaseSampler

from hpo.search_space import Space
from segada.settings.base import Seed, Settings


class SamplerSettings(Settings):
    """Section `sampler` of a study file: the sampler and its settings."""

    seed: Seed = 0
    """Seed of every draw of the sampler."""

    @abstractmethod
    def build(self, space: Space, trials: int) -> BaseSampler:
        """Builds the sampler. Its whole state is in the study, so that a new process can continue it.

        Args:
            space: search space.
            trials: number of trials in the study's budget.
        """
