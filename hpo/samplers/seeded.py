"""Optuna's samplers with the random state derived from the study's seed and the trial's number."""

from collections.abc import Callable, Sequence

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial, TrialState

from hpo.parameters.base import Raw


class SeededPerTrial(BaseSampler):
    """Delegates each trial to a fresh sampler with a seed of its own.

    A sampler with one seed for the whole study starts over in a resumed process and proposes the first trials again.
    """

    def __init__(self, seed: int, make: Callable[[int], BaseSampler]) -> None:
        """Remembers how samplers are made.

        Args:
            seed: the study's.
            make: gives a sampler that has no state beside the study and the seed that it is given.
        """
        self._seed = seed
        self._make = make
        self._number: int | None = None
        self._sampler = make(seed)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._for(trial).infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Raw]:
        return self._for(trial).sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Raw:
        value: Raw = self._for(trial).sample_independent(study, trial, param_name, param_distribution)
        return value

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        self._for(trial).before_trial(study, trial)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._for(trial).after_trial(study, trial, state, values)

    def _for(self, trial: FrozenTrial) -> BaseSampler:
        if self._number != trial.number:
            self._number = trial.number
            self._sampler = self._make(int(np.random.SeedSequence((self._seed, trial.number)).generate_state(1)[0]))
        return self._sampler
