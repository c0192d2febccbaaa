"""Genetic algorithm: DEAP's operators on the finished trials of the study, one child per trial."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from optuna import Study
from optuna.samplers import BaseGASampler
from optuna.trial import FrozenTrial
from pydantic import Field

from hpo.samplers.active_genes import ActiveGenes
from hpo.samplers.base import SamplerSettings
from hpo.samplers.history import GENOME, Genome, complete, is_passing, whole
from hpo.samplers.operators import Strengths, build_toolbox, deap_randomness
from hpo.samplers.population import Archive
from hpo.samplers.surrogate import Coordinates, RbfSurrogate
from hpo.samplers.whole_point import WholePointSampler
from hpo.search_space import Space
from hpo.search_space.parameter import Raw
from segada.settings.base import Count, Fraction, NonNegative, Positive
from segada.settings.limits import POPULATION

STRENGTH = "strength of "
"""Prefix of a gene's name, in a trial's genome, for the strategy gene with its mutation strength."""

SPREAD, BREED, SURVIVE = 6, 7, 8
"""Purposes of generators, as the word after the seed; see also `whole_point`."""


class GeneticSettings(SamplerSettings):
    """Settings of `GeneticSampler`."""

    name: Literal["genetic"]
    mode: Literal["steady_state", "generational"] = "steady_state"
    """`steady_state` takes the current best trials as parents, `generational` those of the last complete generation."""
    population_size: int = Field(default=8, ge=2, le=POPULATION)
    """Number of best complete trials that may be parents; the same number of trials is spread over the space first."""
    selection: Literal["nsga2", "nsga3"] = "nsga2"
    """Selection of survivors with several objectives; nsga3 is meant for four and more."""
    tournsize: int = Field(default=4, ge=1, le=POPULATION)
    """Candidates per parent in tournament selection; larger values prefer the best more strongly."""
    crossover_prob: Fraction = 0.9
    """Probability that a child has two parents."""
    eta: Positive = 5.0
    """Crowding degree of crossover; large values give children close to one of their parents."""
    mutation: Positive = 1.5
    """Mean number of mutated active genes per child."""
    wide: float = Field(default=0.5, gt=0.0, le=1.0)
    """Mutation range at the first child, as a share of a parameter's range."""
    narrow: float = Field(default=0.05, gt=0.0, le=1.0)
    """Mutation range after `settling` trials, as a share of a parameter's range. It is multiplied by each parameter's
    own inherited strength.
    """
    settling: Count = 100
    """Number of trials over which the mutation range shrinks from `wide` to `narrow`."""
    children: int = Field(default=16, ge=1, le=POPULATION)
    """Children generated per trial, one of which the surrogate model picks; 1 disables the choice."""
    novelty: Fraction = 0.5
    """Maximum weight of the distance to known configurations in that choice."""
    smoothing: NonNegative = 0.01
    """Smoothing of the surrogate model; increase it for noisy results."""
    apart: Fraction = 0.03
    """Least distance of a child to every known configuration, as a share of the mutation range; nearer ones are not
    tried, as long as another child is farther. 0 tries near-clones."""
    collapse: Fraction = 0.01
    """Mean distance of the parents, as a share of the range, below which random immigrants are added."""
    immigrants: Fraction = 0.2
    """Probability that a trial is a random configuration after such a collapse."""

    def build(self, space: Space, trials: int) -> "GeneticSampler":  # noqa: ARG002 - it may be stopped at any time
        return GeneticSampler(space, self)


@dataclass(frozen=True)
class Parent:
    """Inheritance of a trial: all its genes, and their mutation strengths."""

    genome: Genome
    strengths: Strengths


class GeneticSampler(WholePointSampler, BaseGASampler):
    """Proposes children of the best complete trials.

    Steady state is the default: with a generation barrier workers would be idle, because trials differ in length. The
    best trials stay parents until better ones come. Pruned and failed trials are never parents. All state is read from
    the study, and every draw comes from a generator determined by the seed and the trial's number.
    """

    def __init__(self, space: Space, settings: GeneticSettings) -> None:
        WholePointSampler.__init__(self, space, settings.seed)
        BaseGASampler.__init__(self, population_size=settings.population_size)
        self._settings = settings
        self._toolbox = build_toolbox(space, settings.tournsize)
        self._active_genes = ActiveGenes(space)
        self._coordinates = Coordinates(space)

    def begin(self, study: Study) -> None:
        self._archive = Archive(study.directions, self._settings.population_size)
        self._surrogate = RbfSurrogate(self._coordinates, study.directions, self._settings.smoothing)

    def learn(self, trials: Sequence[FrozenTrial]) -> None:
        self._archive.add(complete(trials))
        for trial in trials:
            if not is_passing(trial):
                self._surrogate.learn(trial)

    def select_parent(self, study: Study, generation: int) -> list[FrozenTrial]:
        """Returns the complete trials that may be parents, best first.

        Args:
            study: the study.
            generation: generation of the children; there is only one in steady state.
        """
        self.read(study)
        return self._survivors(study, generation)

    def propose(self, study: Study, trial: FrozenTrial, attempt: int) -> Genome:
        ranked = self._parents(study, trial)
        generator = self._generator(BREED, trial.number, attempt)
        if trial.number < self._settings.population_size and attempt == 0:
            return self._spread(trial.number)
        collapsed = len(ranked) > 1 and self._surrogate.spread(ranked) < self._settings.collapse
        if len(ranked) < 2 or (collapsed and generator.random() < self._settings.immigrants):
            immigrant: Genome = self._toolbox.place(generator.random(len(self._distributions)))
            return immigrant
        parents = [self._parent(parent) for parent in ranked]
        with deap_randomness(generator):
            children = [self._child(parents, trial.number, attempt) for _ in range(self._settings.children)]
        possible = [
            child for child in children if self._space.permits(child) and self._history.is_new(child, trial.number)
        ]
        if not possible:
            return children[0]
        running = self._history.running(trial.number)
        possible = self._apart(possible, running, trial.number)
        points = [self._active_genes(child) for child in possible]
        return possible[self._surrogate.pick(points, running, self._settings.novelty, generator)]

    def _apart(self, children: Sequence[Genome], running: Sequence[Mapping[str, Raw]], number: int) -> list[Genome]:
        """Returns the children that are no near-clones of a known configuration; if all are, the farthest."""
        distances = self._surrogate.distances([self._active_genes(child) for child in children], running)
        least = self._settings.apart * self._reach(number)
        far = [child for child, distance in zip(children, distances, strict=True) if distance >= least]
        return far or [children[int(np.argmax(distances))]]

    def _parents(self, study: Study, trial: FrozenTrial) -> list[FrozenTrial]:
        """Returns the parents of a trial, best first."""
        if self._settings.mode == "steady_state":
            return self._survivors(study, trial.number)
        generation = self.get_trial_generation(study, trial)
        return self._best(study, self.get_parent_population(study, generation), trial.number)

    def _survivors(self, study: Study, generation: int) -> list[FrozenTrial]:
        if self._settings.mode == "steady_state":
            with deap_randomness(self._generator(SURVIVE, generation)):
                return self._archive.survivors(self._settings.selection)
        former = [*self.get_population(study, generation - 1), *self.get_parent_population(study, generation - 1)]
        # Trials of other samplers belong to no generation; they precede the first one.
        strangers = complete(study.get_trials(deepcopy=False)) if generation == 1 else []
        key = self._get_generation_key()
        former += [trial for trial in strangers if key not in trial.system_attrs]
        return self._best(study, former, generation)

    def _best(self, study: Study, trials: Sequence[FrozenTrial], number: int) -> list[FrozenTrial]:
        archive = Archive(study.directions, self._settings.population_size)
        archive.add(trials)
        with deap_randomness(self._generator(SURVIVE, number)):
            return archive.survivors(self._settings.selection)

    def _child(self, parents: Sequence[Parent], number: int, attempt: int) -> Genome:
        """Breeds a child; each further attempt mutates more genes, to leave known configurations."""
        settings, reach = self._settings, self._reach(number)
        first, second = self._toolbox.select(parents, 2)
        if not self._toolbox.chance(settings.crossover_prob):
            second = first
        crossed = self._toolbox.mate(first.genome, second.genome, eta=settings.eta)
        strengths = self._toolbox.adapt(first.strengths, second.strengths)
        child = self._toolbox.mutate(crossed, rate=settings.mutation + attempt, reach=reach, strengths=strengths)
        return {**child, **{STRENGTH + name: round(strength, 3) for name, strength in strengths.items()}}

    def _reach(self, number: int) -> float:
        """Returns the mutation range of a trial, as a share of a parameter's range."""
        settings = self._settings
        reach: float = settings.wide * (settings.narrow / settings.wide) ** min(number / settings.settling, 1.0)
        return reach

    def _spread(self, number: int) -> Genome:
        """Returns a point of a Latin hypercube: the first trials cover different parts of every parameter's range."""
        generator = self._generator(SPREAD, self._settings.population_size)
        shape = (len(self._distributions), self._settings.population_size)
        cells = generator.permuted(np.broadcast_to(np.arange(shape[1]), shape), axis=1)
        genome: Genome = self._toolbox.place((cells[:, number] + generator.random(shape)[:, number]) / shape[1])
        return genome

    def _parent(self, trial: FrozenTrial) -> Parent:
        carried = trial.system_attrs.get(GENOME, {})
        strengths = {name: carried.get(STRENGTH + name, 1.0) for name in self._distributions}
        return Parent(whole(self._space, trial, self._seed), strengths)

    def _generator(self, *words: int) -> np.random.Generator:
        return np.random.default_rng((self._seed, *words))
