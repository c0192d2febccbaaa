"""Parameters that are paths into `RunSettings`, the conditions between them, and combinations that are forbidden."""

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
"""Points that are drawn until one is not forbidden; a space of which less than a thousandth remains is a mistake."""


class SpaceError(ValueError):
    """A space that cannot be; `parts` is the path, in the study file, of what is wrong."""

    def __init__(self, parts: Sequence[str | int], problem: str) -> None:
        super().__init__(problem)
        self.parts = tuple(parts)
        self.problem = problem


@dataclass
class _Point:
    """Values by path and, as they are stored, by the names of dimensions; and active parameters that lack theirs."""

    values: dict[str, Value] = field(default_factory=dict)
    raw: dict[str, Raw] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)


class Space:
    """Parameters by path, in an order in which parents come before those that depend on them.

    Conditions have the semantics of ConfigSpace: a parameter is active if its `when` holds, for which those that it
    names must be active; an inactive one has no value and changes nothing. A point is forbidden if all clauses of a
    forbidden combination hold, which they do for active parameters alone.
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
        """The path of the parameter that each dimension belongs to, parents first."""

    def distributions(self) -> dict[str, BaseDistribution]:
        """What Optuna stores, by the names of dimensions, parents first."""
        return {one.name: one.distribution for dimensions in self._dimensions.values() for one in dimensions}

    def suggest(self, trial: Trial) -> Configuration:
        """Asks the trial for every parameter that is active, parents first."""
        return self.configuration(self.walk(lambda one: one.suggest(trial)))

    def walk(self, give: Callable[[Dimension], Raw]) -> dict[str, Raw]:
        """Storage values of the point of which `give` says each dimension that is active, parents first."""
        return self._point(self._by_dimension(lambda one: (give(one),))).raw

    def draw(self, generator: np.random.Generator) -> Configuration:
        """A point at random, every dimension even in its scale, that is not forbidden.

        Raises:
            SpaceError: there is none, or hardly any.
        """
        return self.configuration(self.draw_raw(generator))

    def draw_raw(self, generator: np.random.Generator) -> dict[str, Raw]:
        """The same in storage form."""
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
        """Of stored values, those whose parameter is active; a missing value counts as inactive."""
        return self._stored(raw).raw

    def configuration(self, raw: Mapping[str, Raw]) -> Configuration:
        """The point that stored values (`trial.params`) stand for."""
        return Configuration(self._stored(raw).values)

    def is_complete(self, raw: Mapping[str, Raw]) -> bool:
        """Whether every parameter that is active under these stored values has one."""
        return not self._stored(raw).missing

    def permits(self, raw: Mapping[str, Raw]) -> bool:
        """Whether stored values are no forbidden combination."""
        return not self.forbidden or self.forbidding(self._stored(raw).values) is None

    def forbidding(self, values: Mapping[str, Value]) -> int | None:
        """The index of the first forbidden combination that values by path are; None if they are none."""
        return next((index for index, clauses in enumerate(self.forbidden) if all_hold(clauses, values)), None)

    def encode(self, values: Mapping[str, Value]) -> dict[str, Raw]:
        """What is stored for the active ones of values by path, which their parameters can have."""
        return self._encoded(values).raw

    def completed(self, values: Mapping[str, Value]) -> dict[str, Value]:
        """The active ones of values by path, and defaults of active parameters that are not among them."""
        defaults = {path: parameter.first for path, parameter in self.parameters.items() if parameter.has_default}
        return self._encoded({**defaults, **values}).values

    def defaults(self) -> dict[str, Raw] | None:
        """Stored values of the default configuration, or None if an active parameter has no default."""
        raw = self.encode(self.completed({}))
        return raw if self.is_complete(raw) else None

    def ways_to(self, path: str) -> list[dict[str, list[Test]]]:
        """Every way in which a parameter can be active: tests that hold then, its own and of all above it, by path.

        Raises:
            SpaceError: there are too many.
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
        """Gives a parameter's storage values from those of its dimensions, of which `read` gives one or none."""

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
        """Asks for the storage values of every parameter that is active; None says that there are none."""
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
        raise SpaceError(place, f"is no parameter of this space; {nearest(path, parameters)}")
    problem = parameters[path].misfit(test)
    if problem is not None:
        raise SpaceError(place, problem)
