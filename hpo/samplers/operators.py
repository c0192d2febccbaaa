"""Genetic operators on whole genomes, in a DEAP toolbox."""

import math
import random
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
from deap import base
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.samplers.active_genes import ActiveGenes
from hpo.samplers.genes import ChoiceGene, Gene, NumberGene, SubsetGene
from hpo.samplers.history import Genome
from hpo.search_space import Space
from hpo.search_space.kinds import Parameter
from hpo.search_space.subset import SubsetParameter

Strengths = Mapping[str, float]
"""Mutation strength of each gene, by name; 1 is the current common strength."""

STRONGEST = 4.0
"""Upper bound of a gene's own strength; the lower bound is its reciprocal."""

T = TypeVar("T")

_DEAP_RANDOM = threading.Lock()


def build_toolbox(space: Space, tournament: int) -> base.Toolbox:
    """Builds the operators of a space. They draw from Python's global generator: call them within `deap_randomness`.

    Returns:
        A toolbox with `place(units)`, which returns a genome from positions in [0, 1]; `mate(first, second, eta=)` and
        `mutate(genome, rate=, reach=, strengths=)`, which return a new genome; `adapt(first, second)`, which returns
        a child's strengths from its parents'; `chance(probability)`; and `select(ranked, k)`, which selects from
        parents given best first.
    """
    distributions, owners = space.distributions(), space.owners
    genes = {name: _gene(space.parameters[owners[name]], one) for name, one in distributions.items()}
    toolbox = base.Toolbox()
    toolbox.register("place", _place, genes)
    toolbox.register("mate", _mate, genes)
    toolbox.register("mutate", _mutate, genes, ActiveGenes(space))
    toolbox.register("adapt", _adapt)
    toolbox.register("chance", _chance)
    toolbox.register("select", _select, tournament)
    return toolbox


@contextmanager
def deap_randomness(generator: np.random.Generator) -> Iterator[None]:
    """Makes DEAP draw from this generator; the global generators of Python and numpy are restored afterwards.

    Most of DEAP uses Python's generator, its NSGA-III numpy's.
    """
    with _DEAP_RANDOM:
        state, numpys_state = random.getstate(), np.random.get_state()  # noqa: NPY002 - what DEAP draws from
        random.seed(int(generator.integers(2**63)))
        np.random.seed(int(generator.integers(2**32)))  # noqa: NPY002
        try:
            yield
        finally:
            random.setstate(state)
            np.random.set_state(numpys_state)  # noqa: NPY002


def _gene(parameter: Parameter, distribution: BaseDistribution) -> Gene:
    """Returns the gene of one dimension of a parameter."""
    if isinstance(parameter, SubsetParameter):
        return SubsetGene(parameter)
    if isinstance(distribution, CategoricalDistribution):
        return ChoiceGene(distribution)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return NumberGene(distribution)


def _place(genes: Mapping[str, Gene], units: Sequence[float]) -> Genome:
    return {name: gene.at(unit) for (name, gene), unit in zip(genes.items(), units, strict=True)}


def _mate(genes: Mapping[str, Gene], first: Genome, second: Genome, eta: float) -> Genome:
    """Returns one child. Inactive genes are crossed too: they may be active in later generations."""
    return {name: random.choice(gene.mate(first[name], second[name], eta)) for name, gene in genes.items()}


def _mutate(
    genes: Mapping[str, Gene],
    active_genes: ActiveGenes,
    genome: Genome,
    rate: float,
    reach: float,
    strengths: Strengths,
) -> Genome:
    """Mutates about `rate` of the active genes.

    A larger strength moves an ordered gene further (1 is the whole range), and changes an unordered gene more often.
    """
    active = active_genes(genome)
    changed = {}
    for name, value in active.items():
        gene, strength = genes[name], strengths[name]
        if random.random() < rate / len(active) * (1.0 if gene.ordered else strength):
            changed[name] = gene.mutate(value, 1.0 / min(reach * strength, 1.0) - 1.0)
    return {**genome, **changed}


def _adapt(first: Strengths, second: Strengths) -> Strengths:
    """Returns a child's strengths: the geometric mean of its parents', with log-normal changes (Beyer and Schwefel
    2002).

    One change is common to all strengths, one is individual. Strengths that led to good children are inherited, so that
    each parameter's strength adapts.
    """
    together = random.gauss(0.0, 1.0 / (2.0 * len(first)) ** 0.5)
    learning = 1.0 / (2.0 * len(first) ** 0.5) ** 0.5
    return {
        name: min(
            max((first[name] * second[name]) ** 0.5 * math.exp(together + random.gauss(0.0, learning)), 1 / STRONGEST),
            STRONGEST,
        )
        for name in first
    }


def _chance(probability: float) -> bool:
    return random.random() < probability


def _select(tournament: int, ranked: Sequence[T], k: int) -> list[T]:
    """Selects by tournament on ranks, with one objective or several."""
    places = [min(random.choices(range(len(ranked)), k=tournament)) for _ in range(k)]
    return [ranked[place] for place in places]
