"""Sampler of the user: a function that makes any sampler of Optuna, named as `./file.py:name`."""

from collections.abc import Callable
from typing import cast

from optuna.samplers import BaseSampler

from hpo.samplers.base import SamplerSettings
from hpo.samplers.optuna_sampler import OptunaPointSampler
from hpo.search_space import Space
from segada.core.named_code import load_code
from segada.settings.named_kinds import CodeSettings


class CodeSampler(CodeSettings, SamplerSettings):
    """Section `sampler` that names code of the user.

    The code is called with its settings and a seed for each point, and returns an Optuna sampler whose only other state
    is the study: a new process continues the search.
    """

    role = "sampler"

    name: str

    def build(self, space: Space, trials: int) -> OptunaPointSampler:  # noqa: ARG002 - the code is not told the budget
        make = cast("Callable[[CodeSampler, int], BaseSampler]", load_code(self.name))
        return OptunaPointSampler(space, self.seed, lambda seed: make(self, seed))
