"""Search space: parameters by path in `RunSettings`, conditions between them, and forbidden combinations."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.trial import Trial

from hpo.search_space.conditions import Clauses, Test, all_hold
from hpo.search_space.configuration import Configuration
from hpo.search_space.kinds import Parameter
from hpo.search_space.parameter import Dimension, Raw
from hpo.search_space.scaling import from_unit
from segada.settings.limits import WAYS
from segada.settings.nested import Value
from segada.settings.schema import nearest

DRAWS = 10_000
"""Number of points drawn to find one that is not forbidden; fewer than one in a thousand allowed is an error."""


class SpaceError(ValueError):
    """Error in a space; `parts` is the path of the problem in the study file."""

    def __init__(self, parts: Sequence[str | int], problem: str) -> None:
        super().__init__(problem)
        self.parts = tuple(parts)
        self.problem = problem


@dataclass
class _Point:
    """Values by path, stored values by name of dimension, and active parameters without a value."""

    values: dict[str, Value] = field(default_factory=dict)
    raw: dict[str, Raw] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


class Space:
    """Parameters by path, ordered so that parents precede the parameters that depend on them.

    Conditions have the semantics of ConfigSpace. A parameter is active if its `when` holds, which requires that the
    named parameters are active; an inactive parameter has no value and no effect. A point is forbidden if all clauses
    of a forbidden combination hold; clauses on inactive parameters never hold.
    """

    def __init__(self, parameters: Mapping[str, Parameter], forbidden: Sequence[Clauses] = ()) -> None:
        """Orders the parameters.

        Raises:
            SpaceError: a condition names an unknown parameter, a value that it cannot have, or forms a circle.
        """
        _check_clauses(parameters, forbidden)
        dimensions = {path: _dimensions(path, parameters) for path in parameters}
        _check_names(dimensions)
        try:
            order = list(TopologicalSorter({path: p.parents for path, p in parameters.items()}).static_order())
        except CycleError as circle:
            names = [str(name) for name in circle.args[1]]
            raise SpaceError(("space", names[0], "when"), f"conditions form a circle: {' -> '.join(names)}") from None
        self.parameters: Mapping[str, Parameter] = {path: parameters[path] for path in order}
        self.forbidden = tuple(forbidden)
        self._dimensions = {path: dimensions[path] for path in order}
        self.owners: Mapping[str, str] = {one.name: path for path in order for one in self._dimensions[path]}
        """Path of the parameter of each dimension, parents first."""

    def distributions(self) -> dict[str, BaseDistribution]:
        """Returns the distributions that Optuna stores, by name of dimension, parents first."""
        return {one.name: one.distribution for dimensions in self._dimensions.values() for one in dimensions}

    def suggest(self, trial: Trial) -> Configuration:
        """Samples every active parameter from the trial, parents first."""
        return self.configuration(self.walk(lambda one: one.suggest(trial)))

    def walk(self, give: Callable[[Dimension], Raw]) -> dict[str, Raw]:
        """Returns the stored values of the point for which `give` supplies each active dimension, parents first."""
        return self._point(self._by_dimension(lambda one: (give(one),))).raw

    def draw(self, generator: np.random.Generator) -> Configuration:
        """Draws a random point, uniform in the scale of every dimension, that is not forbidden.

        Raises:
            SpaceError: all, or nearly all, points are forbidden.
        """
        return self.configuration(self.draw_raw(generator))

    def draw_raw(self, generator: np.random.Generator) -> dict[str, Raw]:
        """Draws a point as `draw` does, and returns its stored values."""
        distributions = self.distributions()
        for _ in range(DRAWS):
            units = generator.random(len(distributions))
            everything = {
                name: from_unit(one, at) for (name, one), at in zip(distributions.items(), units, strict=True)
            }
            if self.permits(everything):
                return self.active_values(everything)
        raise SpaceError(("forbidden",), f"leaves nothing: of {DRAWS} points drawn at random, all are forbidden")

    def active_values(self, raw: Mapping[str, Raw]) -> dict[str, Raw]:
        """Returns the stored values of active parameters; a missing value counts as inactive."""
        return self._stored(raw).raw

    def configuration(self, raw: Mapping[str, Raw]) -> Configuration:
        """Returns the configuration of stored values (`trial.params`)."""
        return Configuration(self._stored(raw).values)

    def is_complete(self, raw: Mapping[str, Raw]) -> bool:
        """Returns True if every active parameter has a stored value."""
        return not self.missing(raw)

    def missing(self, raw: Mapping[str, Raw]) -> list[str]:
        """Returns the paths of active parameters without a stored value."""
        return self._stored(raw).missing

    def permits(self, raw: Mapping[str, Raw]) -> bool:
        """Returns True if stored values are not a forbidden combination."""
        return not self.forbidden or self.forbidding(self._stored(raw).values) is None

    def forbidding(self, values: Mapping[str, Value]) -> int | None:
        """Returns the index of the first forbidden combination that holds for values by path; None if none does."""
        return next((index for index, clauses in enumerate(self.forbidden) if all_hold(clauses, values)), None)

    def encode(self, values: Mapping[str, Value]) -> dict[str, Raw]:
        """Returns the stored values of the active parameters among valid values by path."""
        return self._encoded(values).raw

    def completed(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """Returns the active parameters among values by path, with the defaults of other active parameters."""
        defaults = {path: parameter.first for path, parameter in self.parameters.items() if parameter.has_default}
        return self._encoded({**defaults, **values}).values

    def defaults(self) -> dict[str, Raw] | None:
        """Returns the stored values of the default configuration; None if an active parameter has no default."""
        raw = self.encode(self.completed({}))
        return raw if self.is_complete(raw) else None

    def ways_to(self, path: str) -> list[dict[str, list[Test]]]:
        """Returns all ways in which a parameter can be active: tests of it and of all its ancestors, by path.

        Raises:
            SpaceError: there are more than `WAYS`.
        """
        ways = []
        for clauses in self.parameters[path].alternatives:
            found: list[dict[str, list[Test]]] = [{parent: [test] for parent, test in clauses.items()}]
            for parent in self.parameters[path].parents:
                above = self.ways_to(parent)
                if len(found) * len(above) > WAYS:
                    raise _too_many_ways(path)
                found = [_both(one, another) for one in found for another in above]
            ways += found
            if len(ways) > WAYS:
                raise _too_many_ways(path)
        return ways

    def _stored(self, raw: Mapping[str, Raw]) -> _Point:
        return self._point(self._by_dimension(lambda one: (raw[one.name],) if one.name in raw else ()))

    def _encoded(self, given: Mapping[str, Value]) -> _Point:
        def encoded(path: str, values: Mapping[str, Value]) -> dict[str, Raw] | None:
            return self.parameters[path].encoded(path, given[path], values) if path in given else None

        return self._point(encoded)

    def _by_dimension(
        self, read: Callable[[Dimension], tuple[Raw, ...]]
    ) -> Callable[[str, Mapping[str, Value]], dict[str, Raw] | None]:
        """Returns a function for a parameter's stored values; `read` returns one or no value per dimension."""

        def collected(path: str, values: Mapping[str, Value]) -> dict[str, Raw] | None:
            mine: dict[str, Raw] = {}
            for dimension in self._dimensions[path]:
                if all_hold(dimension.needs, {**values, **mine}):
                    found = read(dimension)
                    if not found:
                        return None
                    (mine[dimension.name],) = found
            return mine

        return collected

    def _point(self, give: Callable[[str, Mapping[str, Value]], dict[str, Raw] | None]) -> _Point:
        """Builds a point from the stored values that `give` returns for active parameters; None means missing."""
        point = _Point()
        for path, parameter in self.parameters.items():
            if not parameter.is_active(point.values):
                continue
            mine = give(path, point.values)
            if mine is None:
                point.missing.append(path)
            else:
                point.raw |= mine
                point.values[path] = parameter.decoded(path, mine)
        return point


def _too_many_ways(path: str) -> SpaceError:
    return SpaceError(
        ("space", path, "when"),
        f"can be met in more than {WAYS:,} ways, counted with conditions of the parameters that it names; name fewer",
    )


def _dimensions(path: str, parameters: Mapping[str, Parameter]) -> tuple[Dimension, ...]:
    try:
        return parameters[path].dimensions(path, parameters)
    except ValueError as problem:
        raise SpaceError(("space", path, "of"), str(problem)) from None


def _check_names(dimensions: Mapping[str, Sequence[Dimension]]) -> None:
    for path, own in dimensions.items():
        for other in {one.name for one in own} & set(dimensions) - {path}:
            raise SpaceError(("space", other), f"is how {path} is stored; leave one of the two out")


def _both(one: Mapping[str, list[Test]], other: Mapping[str, list[Test]]) -> dict[str, list[Test]]:
    return {path: [*one.get(path, []), *other.get(path, [])] for path in (*one, *other)}


def _check_clauses(parameters: Mapping[str, Parameter], forbidden: Sequence[Clauses]) -> None:
    for path, parameter in parameters.items():
        several = isinstance(parameter.when, tuple)
        if not parameter.alternatives:
            raise SpaceError(("space", path, "when"), "is empty, so that the parameter would never be active")
        for index, clauses in enumerate(parameter.alternatives):
            for parent, test in clauses.items():
                place: tuple[str | int, ...] = (index, parent) if several else (parent,)
                _check_test(("space", path, "when", *place), parent, test, parameters)
    for index, clauses in enumerate(forbidden):
        if not clauses:
            raise SpaceError(("forbidden", index), "has no clause, so that everything would be forbidden")
        for path, test in clauses.items():
            _check_test(("forbidden", index, path), path, test, parameters)


def _check_test(place: tuple[str | int, ...], path: str, test: Test, parameters: Mapping[str, Parameter]) -> None:
    if path not in parameters:
        raise SpaceError(place, f"is not a parameter of this space; {nearest(path, parameters)}")
    problem = parameters[path].mismatch(test)
    if problem is not None:
        raise SpaceError(place, problem)
