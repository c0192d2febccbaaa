"""The genetic operators on whole genomes, from a DEAP toolbox."""

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
"""How strongly each gene is mutated, by its name; 1 is as strongly as all genes are at this time."""

STRONGEST = 4.0
"""Bounds of a gene's own strength: this, and one divided by this."""

T = TypeVar("T")

_DEAP_RANDOM = threading.Lock()


def build_toolbox(space: Space, tournament: int) -> base.Toolbox:
    """The operators of a space. They draw from Python's global generator: call them inside `deap_randomness`.

    Returns:
        A toolbox with `place(units)`, a genome by positions in [0, 1]; `mate(first, second, eta=)` and
        `mutate(genome, rate=, reach=, strengths=)`, each giving a new genome; `adapt(first, second)`, strengths of a
        child by those of its parents; `chance(probability)`; and `select(ranked, k)`, from parents of which the best
        come first.
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
    """Lets DEAP draw from this generator instead of the global ones of Python and numpy, which are put back.

    Most of DEAP uses the former, its NSGA-III the latter.
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
    """The gene of one dimension of a parameter."""
    if isinstance(parameter, SubsetParameter):
        return SubsetGene(parameter)
    if isinstance(distribution, CategoricalDistribution):
        return ChoiceGene(distribution)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return NumberGene(distribution)


def _place(genes: Mapping[str, Gene], units: Sequence[float]) -> Genome:
    return {name: gene.at(unit) for (name, gene), unit in zip(genes.items(), units, strict=True)}


def _mate(genes: Mapping[str, Gene], first: Genome, second: Genome, eta: float) -> Genome:
    """One child. Genes that are not expressed are crossed too: they may be in a grandchild."""
    return {name: random.choice(gene.mate(first[name], second[name], eta)) for name, gene in genes.items()}


def _mutate(
    genes: Mapping[str, Gene],
    active_genes: ActiveGenes,
    genome: Genome,
    rate: float,
    reach: float,
    strengths: Strengths,
) -> Genome:
    """The genome with about `rate` of its expressed genes changed.

    A strong gene whose values have an order moves further, up to 1 being the whole range; another one changes more
    often.
    """
    active = active_genes(genome)
    changed = {}
    for name, value in active.items():
        gene, strength = genes[name], strengths[name]
        if random.random() < rate / len(active) * (1.0 if gene.ordered else strength):
            changed[name] = gene.mutate(value, 1.0 / min(reach * strength, 1.0) - 1.0)
    return {**genome, **changed}


def _adapt(first: Strengths, second: Strengths) -> Strengths:
    """A child's strengths: the geometric mean of its parents', all and each changed a little (Beyer and Schwefel 2002).

    What made a good child is inherited with it: so every parameter finds the strength that suits it.
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
    """Tournament by place, whether one objective or several rank the parents."""
    places = [min(random.choices(range(len(ranked)), k=tournament)) for _ in range(k)]
    return [ranked[place] for place in places]
