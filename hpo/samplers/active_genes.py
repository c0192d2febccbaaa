"""Cache of the active genes of genomes, which are requested thousands of times for few distinct results."""

from collections.abc import Mapping

from hpo.search_space import Space
from hpo.search_space.parameter import Raw
from hpo.search_space.scaling import from_unit

KEPT = 4096
"""Number of cached results; a condition on a continuous parameter has a new result for each value."""

ABSENT = object()
"""Placeholder for the value of a missing gene."""


class ActiveGenes:
    """`Space.active_values` with a cache, keyed by the values that conditions test."""

    def __init__(self, space: Space) -> None:
        self._space = space
        parents = {parent for parameter in space.parameters.values() for parent in parameter.parents}
        owners = list(space.owners.values())
        self._determining = [name for name, path in space.owners.items() if path in parents or owners.count(path) > 1]
        self._anything = {name: from_unit(one, 0.5) for name, one in space.distributions().items()}
        self._known: dict[tuple[object, ...], tuple[str, ...]] = {}

    def __call__(self, genome: Mapping[str, Raw]) -> dict[str, Raw]:
        """Returns the stored values of active parameters; a missing value counts as inactive."""
        values = [genome.get(name, ABSENT) for name in self._determining]
        # 1 and True are equal as keys, so the types are part of the key.
        key = (*values, *map(type, values))
        active = self._known.get(key)
        if active is None:
            if len(self._known) >= KEPT:
                self._known.clear()
            lacking = {name for name in self._determining if name not in genome}
            # Genes that decide nothing are filled with any value, so that the result holds for genomes with more genes.
            full = {name: genome.get(name, any_) for name, any_ in self._anything.items() if name not in lacking}
            active = self._known[key] = tuple(self._space.active_values(full))
        return {name: genome[name] for name in active if name in genome}
