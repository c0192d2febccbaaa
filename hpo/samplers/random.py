"""Independent random sampling, the baseline of sampler comparisons."""

from typing import Literal

from optuna.samplers import RandomSampler

from hpo.samplers.base import SamplerSettings
from hpo.samplers.optuna_sampler import OptunaPointSampler
from hpo.search_space import Space


class RandomSettings(SamplerSettings):
    """Settings of `RandomSampler`."""

    name: Literal["random"]

    def build(self, space: Space, trials: int) -> OptunaPointSampler:  # noqa: ARG002 - draws need no plan
        return OptunaPointSampler(space, self.seed, RandomSampler)
