"""What all samplers share: they propose whole points, none that is forbidden and none that a trial has already."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar
from zlib import crc32

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from hpo.samplers.history import FIXED, GENOME, Genome, TrialHistory
from hpo.search_space import Space
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import from_unit

FRESH, FOREIGN = 1, 2
"""What a generator is for, the word after the seed: no two purposes share their numbers."""
TRIES = 20
"""Points drawn evenly at random to find one that no trial has, before one is repeated: the space may hold no other."""


class WholePointSampler(BaseSampler):
    """Proposes a point for each trial, and another one if the first is forbidden or known already.

    Two trials with the same configuration are two equal runs, since they share every random number. No trial is spent
    on what is rejected, and rejecting leaves the shares of all other points as they were. Every draw is determined by
    the seed, the trial's number and the attempt, so that a new process goes on as the old one would have.
    """

    attempts: ClassVar[int] = 20
    """Points that are asked of `propose` for one trial, before one is drawn evenly at random."""

    def __init__(self, space: Space, seed: int) -> None:
        """Keeps what is needed to draw.

        Args:
            space: the space.
            seed: the study's.
        """
        self._space = space
        self._seed = seed
        self._distributions = space.distributions()
        self._history = TrialHistory(space)

    @abstractmethod
    def propose(self, study: Study, trial: FrozenTrial, attempt: int) -> Genome:
        """A point to try; values of dimensions that are not active in it may be absent or anything.

        Args:
            study: the study, which is all that may be known of former trials.
            trial: that the point is for.
            attempt: 0 for the first point of this trial; each one gives another point.
        """

    def read(self, study: Study) -> None:
        """Catches up with a study."""
        if not self._history.is_of(study):
            self._history = TrialHistory(self._space, study)
            self.begin(study)
        self.learn(self._history.look())

    def learn(self, trials: Sequence[FrozenTrial]) -> None:
        """Takes note of trials that have finished since the last call: all of the study at the first."""

    def begin(self, study: Study) -> None:
        """Gives up what was learnt of another study; nothing of this one has been read yet."""

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        return self._distributions

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002 - always the whole space
    ) -> dict[str, Raw]:
        if not self._distributions:
            return {}
        genome: Genome | None = trial.system_attrs.get(GENOME)
        # A trial whose driver died while it asked goes on with what was proposed to it.
        if genome is None:
            self.read(study)
            genome = self._chosen(study, trial)
            study._storage.set_trial_system_attr(trial._trial_id, GENOME, genome)
        return {name: value for name, value in genome.items() if name in self._distributions}

    def sample_independent(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Raw:
        """Draws a parameter that is not of the space."""
        generator = np.random.default_rng((self._seed, FOREIGN, trial.number, crc32(param_name.encode())))
        return from_unit(param_distribution, generator.random())

    def _chosen(self, study: Study, trial: FrozenTrial) -> Genome:
        """The first candidate that is new; the last one that is not forbidden, if all are known."""
        fixed = trial.system_attrs.get(FIXED, {})
        chosen: Genome = {}
        for candidate in self._candidates(study, trial):
            point = {**candidate, **fixed}
            # What a person has enqueued stays, even if it can be completed in no other way than a forbidden one.
            if self._space.permits(point) or not chosen:
                chosen = point
            if self._space.permits(point) and self._history.is_new(point, trial.number):
                break
        return chosen

    def _candidates(self, study: Study, trial: FrozenTrial) -> Iterator[Genome]:
        for attempt in range(self.attempts):
            yield self.propose(study, trial, attempt)
        generator = np.random.default_rng((self._seed, FRESH, trial.number))
        for _ in range(TRIES):
            yield self._space.draw_raw(generator)
