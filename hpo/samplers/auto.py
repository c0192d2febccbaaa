"""Automatic choice of a sampler by search space and budget."""

from collections.abc import Sequence
from typing import Literal

from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial, TrialState

from hpo.samplers.base import SamplerSettings, StudySampler, UsedUp
from hpo.samplers.genetic import GeneticSettings
from hpo.samplers.grid import GridSettings
from hpo.search_space import Space
from hpo.search_space.parameter import Raw
from hpo.search_space.size import cardinality


class AutoSettings(SamplerSettings):
    """Settings of `AutoSampler`."""

    name: Literal["auto"]

    def build(self, space: Space, trials: int) -> "AutoSampler":
        return AutoSampler(space, trials, self.seed)


class AutoSampler(StudySampler):
    """Delegates to the sampler that `choose` selects."""

    def __init__(self, space: Space, trials: int, seed: int) -> None:
        self._chosen = choose(space, trials, seed).build(space, trials)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._chosen.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Raw]:
        return self._chosen.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Raw:
        value: Raw = self._chosen.sample_independent(study, trial, param_name, param_distribution)
        return value

    def used_up(self, study: Study) -> UsedUp | None:
        return self._chosen.used_up(study)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._chosen.before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._chosen.after_trial(study, trial, state, values)


def choose(space: Space, trials: int, seed: int) -> SamplerSettings:
    """Returns the settings of a suitable sampler.

    A space with no more configurations than trials in the budget is enumerated with `grid`. All others use `genetic`:
    in `python -m benchmarks.search samplers`, no other sampler was better by more than chance (figures in
    docs/samplers.md).
    """
    count, _ = cardinality(space)
    if count <= trials:
        return GridSettings(name="grid", seed=seed, levels=max(int(count), 2))
    return GeneticSettings(name="genetic", seed=seed)
