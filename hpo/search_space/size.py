"""Number of configurations in a search space."""

import math
from collections.abc import Mapping, Sequence

from hpo.search_space.space import Space
from hpo.search_space.subset import SubsetParameter
from segada.settings.nested import Value

LIMIT = 20_000
"""Largest number of combinations of values in conditions that are enumerated one by one."""


def cardinality(space: Space) -> tuple[float, bool]:
    """Returns the number of configurations, and True if it is exact.

    Inactive parameters count once; forbidden combinations do not count. A continuous parameter makes it infinite. If
    conditions involve too many combinations of values, it is the product over all parameters, an upper bound.
    """
    asked = {path for parameter in space.parameters.values() for path in parameter.parents}
    asked |= {path for clauses in space.forbidden for path in clauses}
    known: dict[str, Value] = {}
    for path in asked:
        parameter = space.parameters[path]
        # The longest lists give an upper bound for dependent parameters; only subsets have lists.
        known[path] = max(parameter.options(), key=_length) if isinstance(parameter, SubsetParameter) else None
    sizes = {path: parameter.cardinality(known) for path, parameter in space.parameters.items()}
    product = math.prod(map(float, sizes.values()))
    if math.isinf(product) or math.prod(float(sizes[path]) for path in asked) > LIMIT:
        return product, math.isinf(product)
    return _count(space, list(space.parameters), asked, {}), True


def _length(value: Value) -> int:
    return len(value) if isinstance(value, list) else 0


def _count(space: Space, paths: Sequence[str], asked: set[str], values: Mapping[str, Value]) -> float:
    """Counts the configurations of the remaining parameters, given the values of earlier ones that conditions test."""
    if not paths:
        return float(space.forbidding(values) is None)
    path, rest = paths[0], paths[1:]
    parameter = space.parameters[path]
    if not parameter.is_active(values):
        return _count(space, rest, asked, values)
    if path in asked:
        return sum(_count(space, rest, asked, {**values, path: option}) for option in parameter.options())
    return parameter.cardinality(values) * _count(space, rest, asked, values)
