"""The genetic operators on whole genomes, from a DEAP toolbox."""

import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from deap import base, tools
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial

from hpo.parameters.base import Raw
from hpo.parameters.kinds import Parameter
from hpo.parameters.subsets import SubsetParameter
from hpo.samplers.genes import ChoiceGene, Gene, NumberGene, SubsetGene
from hpo.space import Space

Genome = dict[str, Raw]
"""A value for every dimension of the space, active or not."""

_DEAP_RANDOM = threading.Lock()


@dataclass(frozen=True)
class Candidate:
    """A finished trial as DEAP's selection of survivors sees it."""

    trial: FrozenTrial
    fitness: base.Fitness


def build_toolbox(space: Space, tournament: int) -> base.Toolbox:
    """The operators of a space. They draw from Python's global generator: call them inside `deap_randomness`.

    Returns:
        A toolbox with `place(units)`, a genome by positions in [0, 1]; `mate(first, second, eta=)` and
        `mutate(genome, rate=, eta=)`, each giving a new genome; `survive(candidates, k)`, the best first, and
        `select(parents, k)` from genomes in that order.
    """
    distributions, owners = space.distributions(), space.owners
    genes = {name: _gene(space.parameters[owners[name]], one) for name, one in distributions.items()}
    toolbox = base.Toolbox()
    toolbox.register("place", _place, genes)
    toolbox.register("mate", _mate, genes)
    toolbox.register("mutate", _mutate, genes, space)
    toolbox.register("survive", _survive)
    toolbox.register("select", _select, tournament)
    return toolbox


def fitness_class(upwards: Sequence[bool]) -> type[base.Fitness]:
    """DEAP's fitness for objectives of which these are maximised."""
    return type("Fitness", (base.Fitness,), {"weights": tuple(1.0 if up else -1.0 for up in upwards)})


@contextmanager
def deap_randomness(generator: np.random.Generator) -> Iterator[None]:
    """Lets DEAP, which draws from Python's global generator, draw from this one; the global state is put back."""
    with _DEAP_RANDOM:
        state = random.getstate()
        random.seed(int(generator.integers(2**63)))
        try:
            yield
        finally:
            random.setstate(state)


def _gene(parameter: Parameter, distribution: BaseDistribution) -> Gene:
    """The gene of one dimension of a parameter."""
    if isinstance(parameter, SubsetParameter):
        return SubsetGene(parameter)
    if isinstance(distribution, CategoricalDistribution):
        return ChoiceGene(distribution)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return NumberGene(distribution)


def _place(genes: Mapping[str, Gene], units: Sequence[float]) -> Genome:
    return {path: gene.at(unit) for (path, gene), unit in zip(genes.items(), units, strict=True)}


def _mate(genes: Mapping[str, Gene], first: Genome, second: Genome, eta: float) -> Genome:
    """One child. Genes that are not expressed are crossed too: they may be in a grandchild."""
    return {path: random.choice(gene.mate(first[path], second[path], eta)) for path, gene in genes.items()}


def _mutate(genes: Mapping[str, Gene], space: Space, genome: Genome, rate: float, eta: float) -> Genome:
    """The genome with each expressed gene changed with a probability, so that `rate` genes are on average."""
    expressed = space.expressed(genome)
    changed = {
        path: genes[path].mutate(value, eta)
        for path, value in expressed.items()
        if random.random() < rate / len(expressed)
    }
    return {**genome, **changed}


def _survive(candidates: Sequence[Candidate], k: int) -> list[Candidate]:
    """The best, best first: by value, or by front and crowding where there are several (NSGA-II, Deb et al. 2002)."""
    several = any(len(candidate.fitness.wvalues) > 1 for candidate in candidates)
    chosen: list[Candidate] = tools.selNSGA2(list(candidates), k, nd="log") if several else tools.selBest(candidates, k)
    return chosen


def _select(tournament: int, parents: Sequence[Genome], k: int) -> list[Genome]:
    """Tournament by place: parents come best first, whether one objective or several rank them."""
    places = [min(random.choices(range(len(parents)), k=tournament)) for _ in range(k)]
    return [parents[place] for place in places]
