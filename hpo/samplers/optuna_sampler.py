"""Optuna's samplers, asked for whole points."""

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
"""The word after the seed of a sampler that serves one attempt."""


class OptunaPointSampler(WholePointSampler):
    """Asks a fresh sampler for each point, with a seed of its own.

    A sampler with one seed for the whole study starts over in a resumed process and proposes the first trials again.
    """

    def __init__(self, space: Space, seed: int, make: Callable[[int], BaseSampler]) -> None:
        """Remembers how samplers are made.

        Args:
            space: the space.
            seed: the study's.
            make: gives a sampler that has no state beside the study and the seed that it is given.
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
            # Only what is active is asked for one by one: to a sampler with a model it is as much work as the rest.
            value: Raw = sampler.sample_independent(study, trial, one.name, one.distribution)
            return value

        return {**relative, **self._space.walk(given)}

    def sampler_for(self, trial: FrozenTrial, attempt: int) -> BaseSampler:
        """The sampler of one attempt at one trial."""
        words = (self._seed, SAMPLER, trial.number, attempt)
        return self._make(int(np.random.SeedSequence(words).generate_state(1)[0]))
