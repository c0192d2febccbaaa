"""What every sampler's settings have in common."""

from abc import abstractmethod

from optuna.samplers import BaseSampler

from hpo.search_space import Space
from segada.settings.base import Seed, Settings


class SamplerSettings(Settings):
    """The `sampler` part of a study file: which sampler proposes configurations, and its numbers."""

    seed: Seed = 0
    """Of every draw that the sampler makes."""

    @abstractmethod
    def build(self, space: Space, trials: int) -> BaseSampler:
        """The sampler itself. It keeps nothing that the study does not hold, so that a new process continues one.

        Args:
            space: the space.
            trials: that the study has a budget for.
        """
