"""Base class of samplers: they propose whole points that are neither forbidden nor known."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar
from zlib import crc32

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution, FloatDistribution
from optuna.trial import FrozenTrial

from hpo.samplers.admitted import AdmittedStudy
from hpo.samplers.base import StudySampler, UsedUp
from hpo.samplers.history import FIXED, GENOME, Genome, TrialHistory
from hpo.search_space import Space
from hpo.search_space.enumeration import Unused, all_values
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import from_unit, nearest_to

FRESH, FOREIGN = 1, 2
"""Purposes of generators, as the word after the seed, so that no two purposes share random numbers."""
NO_TRIAL = -1
"""Number that no trial has."""
TRIES = 20
"""Number of random points tried to find a new one before the points of the space are enumerated."""


class WholePointSampler(StudySampler):
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
        self._unused = Unused(space, self.values())

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
            self._unused = Unused(self._space, self.values())
            self.begin(study)
        self.learn(self._history.look())

    def learn(self, trials: Sequence[FrozenTrial]) -> None:
        """Learns from trials that finished since the last call; the first call has all finished trials."""

    def begin(self, study: Study) -> None:
        """Discards what was learned from another study, before anything of this one is read."""

    def values(self) -> Mapping[str, Sequence[Raw] | None]:
        """Returns the values that each dimension can have, by name; None where there are endlessly many."""
        return {name: all_values(one) for name, one in self._distributions.items()}

    @property
    def is_whole(self) -> bool:
        """True if `values` are all values of the space."""
        return True

    def used_up(self, study: Study) -> UsedUp | None:
        if not self._distributions:
            return None
        self.read(study)
        count = self._unused.used_up(lambda point: self._history.is_new(point, NO_TRIAL))
        return None if count is None else UsedUp(count, self.is_whole)

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
        """Records and returns the first new candidate that is not forbidden; if none is new, the last one that is not
        forbidden.

        Several drivers may choose at the same time. Each records its candidate before it looks whether another trial
        has the same one; so at least one of two notices, and goes on to its next candidate.
        """
        fixed = trial.system_attrs.get(FIXED, {})
        chosen: Genome = {}
        for candidate in self._candidates(study, trial):
            point = {**candidate, **fixed}
            # A configuration enqueued by the user is kept even if every completion of it is forbidden.
            if self._space.permits(point) or not chosen:
                chosen = point
            if self._space.permits(point) and self._history.is_new(point, trial.number):
                self._record(study, trial, point)
                self.read(study)
                if self._history.is_new(point, trial.number):
                    return point
        self._record(study, trial, chosen)
        return chosen

    def _record(self, study: Study, trial: FrozenTrial, genome: Genome) -> None:
        study._storage.set_trial_system_attr(trial._trial_id, GENOME, genome)

    def _candidates(self, study: Study, trial: FrozenTrial) -> Iterator[Genome]:
        for attempt in range(self.attempts):
            proposed = self.propose(study, trial, attempt)
            yield {name: self._on_grid(name, value) for name, value in proposed.items()}
        generator = np.random.default_rng((self._seed, FRESH, trial.number))
        for _ in range(TRIES):
            yield self._space.draw_raw(generator)
        yield from self._unused_point(trial)

    def _on_grid(self, name: str, value: Raw) -> Raw:
        """Returns the value of the space that is meant: a sampler may miss a step by a rounding error (1e-17 for 0)."""
        distribution = self._distributions.get(name)
        if not isinstance(distribution, FloatDistribution) or distribution.step is None:
            return value
        assert isinstance(value, int | float)
        return nearest_to(distribution, value)

    def _unused_point(self, trial: FrozenTrial) -> Iterator[Genome]:
        point = self._unused.first(lambda point: self._history.is_new(point, trial.number))
        if point is not None:
            yield point
