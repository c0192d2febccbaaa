"""Sampler of the user: a function that makes any sampler of Optuna, named as `./file.py:name`."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from optuna import Study
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from hpo.samplers.base import SamplerSettings
from hpo.samplers.optuna_sampler import OptunaPointSampler
from hpo.search_space import Space
from segada.core.named_code import CodeFailure, called, load_code
from segada.settings.named_kinds import CodeSettings

T = TypeVar("T")


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
        return OwnSampler(self.name, sampler)

    def build(self, space: Space, trials: int) -> OptunaPointSampler:  # noqa: ARG002 - the code is not told the budget
        return OptunaPointSampler(space, self.seed, self.made)


class OwnSampler(BaseSampler):
    """Asks a sampler of the user, says whose error it is, and refuses values that are not of the space, which Optuna
    would replace by its own.
    """

    def __init__(self, name: str, sampler: BaseSampler) -> None:
        """Takes the name in settings and the sampler."""
        self._name = name
        self._sampler = sampler

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Returns the distributions that are sampled together."""
        return self._called(lambda: self._sampler.infer_relative_search_space(study, trial))

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Returns the values of what is sampled together."""
        values = self._called(lambda: self._sampler.sample_relative(study, trial, search_space))
        return {name: self._checked(name, value, search_space[name]) for name, value in values.items()}

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Returns the value of one parameter."""
        value = self._called(lambda: self._sampler.sample_independent(study, trial, param_name, param_distribution))
        return self._checked(param_name, value, param_distribution)

    def _called(self, call: Callable[[], T]) -> T:
        return called("the sampler", self._name, call)

    def _checked(self, name: str, value: Any, distribution: BaseDistribution) -> Any:
        if not _has(distribution, value):
            raise CodeFailure(f"the sampler {self._name} proposes {value!r} for {name}, which is not of {distribution}")
        return value


def _has(distribution: BaseDistribution, value: object) -> bool:
    """Returns True if a value is of a distribution; for steps of a float, if it is near one of them."""
    if isinstance(distribution, FloatDistribution) and distribution.step is not None:
        margin = distribution.step / 2
        distribution = FloatDistribution(distribution.low - margin, distribution.high + margin)
    try:
        return distribution._contains(distribution.to_internal_repr(value))
    except (TypeError, ValueError):
        return False
