"""Sampler of the user: a function that makes any sampler of Optuna, named as `./file.py:name`."""

from collections.abc import Callable
from typing import cast

from optuna import Study
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from hpo.samplers.base import SamplerSettings
from hpo.samplers.history import Genome
from hpo.samplers.optuna_sampler import OptunaPointSampler
from hpo.search_space import Space
from segada.core.named_code import CodeFailure, called, load_code
from segada.settings.named_kinds import CodeSettings


class CodeSampler(CodeSettings, SamplerSettings):
    """Section `sampler` that names code of the user.

    The code is called with its settings and a seed for each point, and returns an Optuna sampler whose only other state
    is the study: a new process continues the search.
    """

    role = "sampler"

    name: str

    def made(self, seed: int) -> BaseSampler:
        """Calls the code.

        Raises:
            CodeFailure: It fails, or returns no sampler of Optuna.
        """
        make = cast("Callable[[CodeSampler, int], object]", load_code(self.name))
        sampler = called("the sampler", self.name, lambda: make(self, seed))
        if not isinstance(sampler, BaseSampler):
            raise CodeFailure(f"the sampler {self.name} returns {sampler!r}; return an optuna.samplers.BaseSampler")
        return sampler

    def build(self, space: Space, trials: int) -> OptunaPointSampler:  # noqa: ARG002 - the code is not told the budget
        return OwnPointSampler(space, self)


class OwnPointSampler(OptunaPointSampler):
    """Samples by the user's code, and refuses points that are not in the space, which Optuna would replace."""

    def __init__(self, space: Space, settings: CodeSampler) -> None:
        super().__init__(space, settings.seed, settings.made)
        self._name = settings.name

    def propose(self, study: Study, trial: FrozenTrial, attempt: int) -> Genome:
        propose = super().propose
        proposed = called("the sampler", self._name, lambda: propose(study, trial, attempt))
        for name, distribution in self._distributions.items():
            if name in proposed and not _has(distribution, proposed[name]):
                value = proposed[name]
                raise CodeFailure(
                    f"the sampler {self._name} proposes {value!r} for {name}, which is not of {distribution}"
                )
        return proposed


def _has(distribution: BaseDistribution, value: object) -> bool:
    """Returns True if a value is of a distribution; for steps of a float, if it is near one of them."""
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        distribution = FloatDistribution(
            distribution.low - distribution.step / 2, distribution.high + distribution.step / 2
        )
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except (TypeError, ValueError):
        return False
