"""Adapter that makes Optuna's samplers propose whole points."""

from collections.abc import Callable

import numpy as np
from optuna import Study
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from hpo.samplers.history import Genome
from hpo.samplers.whole_point import WholePointSampler
from hpo.search_space import Space
from hpo.search_space.parameter import Dimension, Raw

SAMPLER = 4
"""Word after the seed of a sampler for one attempt."""


class OptunaPointSampler(WholePointSampler):
    """Creates a new sampler with its own seed for each point.

    A sampler with one seed for the whole study would restart in a resumed process and propose the first trials again.
    """

    def __init__(self, space: Space, seed: int, make: Callable[[int], BaseSampler]) -> None:
        """Stores the function that creates samplers.

        Args:
            space: search space.
            seed: seed of the study's sampler.
            make: creates a sampler from a seed; its only other state is the study.
        """
        super().__init__(space, seed)
        self._make = make

    def propose(self, study: Study, trial: FrozenTrial, attempt: int) -> Genome:
        sampler = self.sampler_for(trial, attempt)
        together = sampler.infer_relative_search_space(study, trial)
        relative: Genome = sampler.sample_relative(study, trial, together)

        def given(one: Dimension) -> Raw:
            if one.name in relative:
                return relative[one.name]
            # Only active dimensions are sampled one by one: for a model-based sampler, each costs as much as all the
            # others.
            value: Raw = sampler.sample_independent(study, trial, one.name, one.distribution)
            return value

        return {**relative, **self._space.walk(given)}

    def sampler_for(self, trial: FrozenTrial, attempt: int) -> BaseSampler:
        """Returns the sampler for one attempt at one trial."""
        words = (self._seed, SAMPLER, trial.number, attempt)
        return self._make(int(np.random.SeedSequence(words).generate_state(1)[0]))
