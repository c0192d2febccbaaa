"""The genetic algorithm: DEAP's operators on the finished trials of the study, one child per trial, no generations."""

from collections.abc import Iterator
from typing import Literal
from zlib import crc32

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseGASampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState
from pydantic import Field

from hpo.parameters.base import Raw
from hpo.samplers.base import SamplerSettings
from hpo.samplers.operators import Candidate, Genome, build_toolbox, deap_randomness, fitness_class
from hpo.scale import from_unit
from hpo.space import Space
from segada.settings.base import Count, Fraction, Positive

GENOME = "genetic:genome"
"""System attribute of a trial: the whole genome, genes that are not expressed among it."""
ATTEMPTS = 20
"""Tries to find a configuration that no trial has, before one is repeated: the space may hold no other."""

SPREAD, DRAWS, MISSING, FOREIGN = 1, 2, 3, 4
"""What a generator is for, the word after the seed: no two purposes share their numbers."""


class GeneticSettings(SamplerSettings):
    """Settings of `GeneticSampler`."""

    name: Literal["genetic"]
    population: int = Field(default=8, ge=2)
    """Best complete trials that may be parents; as many trials are spread over the space before the first child."""
    tournament: Count = 4
    """Parents that compete for each place; more prefer the best more."""
    crossover: Fraction = 0.9
    """Probability that a child has two parents."""
    likeness: Positive = 5.0
    """Crowding degree of crossover: large for children like one of their parents."""
    mutation: Positive = 1.5
    """Expressed genes of a child that are changed, on average."""
    wide: Positive = 1.0
    """Crowding degree of mutation at the first child: small moves far."""
    narrow: Positive = 20.0
    """Crowding degree of mutation after `settling` trials."""
    settling: Count = 100
    """Trials over which mutation goes from wide to narrow."""

    def build(self, space: Space) -> "GeneticSampler":
        return GeneticSampler(space, self)


class GeneticSampler(BaseGASampler):
    """Steady state: every trial is a child of the best complete trials at the moment it is asked for.

    A generation barrier would leave workers idle, since trials differ in length. Pruned and failed trials are never
    parents. Everything is read from the study, and every draw comes from a generator that the seed and the trial's
    number determine, so a new process goes on as the old one would have.
    """

    def __init__(self, space: Space, settings: GeneticSettings) -> None:
        super().__init__(population_size=settings.population)
        self._space = space
        self._settings = settings
        self._distributions = space.distributions()
        self._toolbox = build_toolbox(space, settings.tournament)

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:  # noqa: ARG002
        return self._distributions

    def sample_relative(
        self,
        study: Study,
        trial: FrozenTrial,
        search_space: dict[str, BaseDistribution],  # noqa: ARG002 - always the whole space
    ) -> dict[str, Raw]:
        generator = np.random.default_rng((self._settings.seed, DRAWS, trial.number))
        others = [other for other in study.get_trials(deepcopy=False) if other.number != trial.number]
        known = {frozenset(other.params.items()) for other in others}
        for genome in filter(self._space.permits, self._candidates(study, trial.number, generator)):
            if frozenset(self._space.expressed(genome).items()) not in known:
                break
        study._storage.set_trial_system_attr(trial._trial_id, GENOME, genome)
        return genome

    def sample_independent(
        self,
        study: Study,  # noqa: ARG002
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Raw:
        """Draws a parameter that is not of the space."""
        generator = np.random.default_rng((self._settings.seed, FOREIGN, trial.number, crc32(param_name.encode())))
        return from_unit(param_distribution, generator.random())

    def select_parent(self, study: Study, generation: int) -> list[FrozenTrial]:  # noqa: ARG002 - there are none
        """The complete trials that may be parents, the best first."""
        trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        fitness = fitness_class([direction == StudyDirection.MAXIMIZE for direction in study.directions])
        candidates = [Candidate(trial, fitness(tuple(trial.values))) for trial in trials]
        return [parent.trial for parent in self._toolbox.survive(candidates, self._settings.population)]

    def _candidates(self, study: Study, number: int, generator: np.random.Generator) -> Iterator[Genome]:
        """Genomes to choose from, the most wanted first."""
        parents = [self._genome(trial) for trial in self.select_parent(study, 0)]
        if number < self._settings.population:
            yield self._spread(number)
        elif len(parents) > 1:
            for attempt in range(ATTEMPTS):
                yield self._child(parents, number, attempt, generator)
        for _ in range(ATTEMPTS):
            yield self._toolbox.place(generator.random(len(self._distributions)))
        anywhere = self._toolbox.place(generator.random(len(self._distributions)))
        yield {**anywhere, **self._space.draw_raw(generator)}

    def _spread(self, number: int) -> Genome:
        """A point of a Latin hypercube: the first trials fall into different parts of every parameter's range."""
        generator = np.random.default_rng((self._settings.seed, SPREAD, self._settings.population))
        shape = (len(self._distributions), self._settings.population)
        cells = generator.permuted(np.broadcast_to(np.arange(shape[1]), shape), axis=1)
        genome: Genome = self._toolbox.place((cells[:, number] + generator.random(shape)[:, number]) / shape[1])
        return genome

    def _child(self, parents: list[Genome], number: int, attempt: int, generator: np.random.Generator) -> Genome:
        """A child; each attempt mutates more genes than the last, to get away from what is known."""
        age = min(number / self._settings.settling, 1.0)
        eta = self._settings.wide * (self._settings.narrow / self._settings.wide) ** age
        with deap_randomness(generator):
            first, second = self._toolbox.select(parents, 2)
            crossed = generator.random() < self._settings.crossover
            child = self._toolbox.mate(first, second, eta=self._settings.likeness) if crossed else first
            mutated: Genome = self._toolbox.mutate(child, rate=self._settings.mutation + attempt, eta=eta)
        return mutated

    def _genome(self, trial: FrozenTrial) -> Genome:
        """All genes of a trial: what it ran with, the inactive ones as it carried them, or by its number if it did not.

        Trials that were enqueued, or that another sampler proposed, carry none of their own.
        """
        generator = np.random.default_rng((self._settings.seed, MISSING, trial.number))
        drawn = self._toolbox.place(generator.random(len(self._distributions)))
        return {**drawn, **trial.system_attrs.get(GENOME, {}), **trial.params}
