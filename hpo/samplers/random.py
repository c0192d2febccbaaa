"""Independent random draws: the baseline of every comparison."""

from typing import Literal

from optuna.samplers import RandomSampler

from hpo.samplers.base import SamplerSettings
from hpo.samplers.seeded import SeededPerTrial
from hpo.space import Space


class RandomSettings(SamplerSettings):
    """Settings of `RandomSampler`."""

    name: Literal["random"]

    def build(self, space: Space) -> SeededPerTrial:  # noqa: ARG002 - draws need no structure
        return SeededPerTrial(self.seed, RandomSampler)
