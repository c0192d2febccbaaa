"""Base class of samplers: they propose whole points that are neither forbidden nor known."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar
from zlib import crc32

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from hpo.samplers.admitted import AdmittedStudy
from hpo.samplers.history import FIXED, GENOME, Genome, TrialHistory
from hpo.search_space import Space
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import from_unit

FRESH, FOREIGN = 1, 2
"""Purposes of generators, as the word after the seed, so that no two purposes share random numbers."""
TRIES = 20
"""Number of random points tried to find a new one before one is repeated: the space may have no other."""


class WholePointSampler(BaseSampler):
    """Proposes a point for each trial, and another one if it is forbidden or already known.

    Two trials with the same configuration would be equal runs, because they share all random numbers. Rejected points
    cost no trial, and rejection does not change the relative probabilities of other points. Every draw is determined by
    the seed, the trial's number and the attempt, so that a new process continues exactly as the old one.
    """

    attempts: ClassVar[int] = 20
    """Number of points requested from `propose` per trial, before points are drawn uniformly."""

    def __init__(self, space: Space, seed: int) -> None:
        """Stores space and seed.

        Args:
            space: search space.
            seed: seed of the study's sampler.
        """
        self._space = space
        self._seed = seed
        self._distributions = space.distributions()
        self._history = TrialHistory(space)

    @abstractmethod
    def propose(self, study: Study, trial: FrozenTrial, attempt: int) -> Genome:
        """Returns a point to try; values of inactive dimensions may be absent or arbitrary.

        Args:
            study: the study, the only source of information on former trials.
            trial: trial of the point.
            attempt: 0 for the first point of this trial; each attempt gives another point.
        """

    def read(self, study: Study) -> None:
        """Reads the study's new trials."""
        if not self._history.is_of(study):
            aside = study.set_aside() if isinstance(study, AdmittedStudy) else ()
            self._history = TrialHistory(self._space, study, aside)
            self.begin(study)
        self.learn(self._history.look())

    def learn(self, trials: Sequence[FrozenTrial]) -> None:
        """Learns from trials that finished since the last call; the first call has all finished trials."""

    def begin(self, study: Study) -> None:
        """Discards what was learned from another study, before anything of this one is read."""

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
        # A trial whose driver died during sampling continues with its recorded proposal.
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
        """Draws a parameter that is not in the space."""
        generator = np.random.default_rng((self._seed, FOREIGN, trial.number, crc32(param_name.encode())))
        return from_unit(param_distribution, generator.random())

    def _chosen(self, study: Study, trial: FrozenTrial) -> Genome:
        """Returns the first new candidate that is not forbidden; if none is new, the last one that is not forbidden."""
        fixed = trial.system_attrs.get(FIXED, {})
        chosen: Genome = {}
        for candidate in self._candidates(study, trial):
            point = {**candidate, **fixed}
            # A configuration enqueued by the user is kept even if every completion of it is forbidden.
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
