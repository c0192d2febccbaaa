"""The space of a search: parameters that are paths into `RunSettings`, and the conditions between them."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

import numpy as np
from optuna.distributions import BaseDistribution
from optuna.trial import Trial

from hpo.configuration import Configuration
from hpo.parameters.base import Raw, Scalar
from hpo.parameters.kinds import Parameter
from hpo.scale import from_unit
from segada.settings.schema import nearest


class SpaceError(ValueError):
    """A space that cannot be; `parts` is the path, inside the space, of what is wrong."""

    def __init__(self, parts: tuple[str | int, ...], problem: str) -> None:
        super().__init__(problem)
        self.parts = parts
        self.problem = problem


class Space:
    """Parameters by path, in an order in which parents come before those that depend on them.

    A parameter is active if all parameters that its `when` names are active and have one of the values given there;
    an inactive one has no value and changes nothing (the semantics of ConfigSpace).
    """

    def __init__(self, parameters: Mapping[str, Parameter]) -> None:
        """Orders the parameters.

        Raises:
            SpaceError: a condition names an unknown parameter, a value that it cannot have, or forms a circle.
        """
        for path, parameter in parameters.items():
            for parent, values in parameter.conditions.items():
                _check_condition(path, parent, values, parameters)
        try:
            order = list(TopologicalSorter({path: list(p.when) for path, p in parameters.items()}).static_order())
        except CycleError as circle:
            names = [str(name) for name in circle.args[1]]
            raise SpaceError((names[0], "when"), f"conditions form a circle: {' -> '.join(names)}") from None
        self.parameters: Mapping[str, Parameter] = {path: parameters[path] for path in order}

    def distributions(self) -> dict[str, BaseDistribution]:
        """What Optuna stores for each parameter."""
        return {path: parameter.distribution() for path, parameter in self.parameters.items()}

    def suggest(self, trial: Trial) -> Configuration:
        """Asks the trial for every parameter that is active, parents first."""
        raw: dict[str, Raw] = {}
        for path, parameter in self.parameters.items():
            if self._is_active(path, raw):
                raw[path] = parameter.suggest(trial, path)
        return self._decoded(raw)

    def draw(self, generator: np.random.Generator) -> Configuration:
        """A point at random, every parameter even in its scale."""
        raw = {path: from_unit(space, generator.random()) for path, space in self.distributions().items()}
        return self.configuration(raw)

    def expressed(self, raw: Mapping[str, Raw]) -> dict[str, Raw]:
        """Of stored values, those whose parameter is active; a missing value counts as inactive."""
        active: dict[str, Raw] = {}
        for path in self.parameters:
            if path in raw and self._is_active(path, active):
                active[path] = raw[path]
        return active

    def configuration(self, raw: Mapping[str, Raw]) -> Configuration:
        """The point that stored values (`trial.params`) stand for."""
        return self._decoded(self.expressed(raw))

    def is_complete(self, raw: Mapping[str, Raw]) -> bool:
        """Whether every parameter that is active under these stored values has one."""
        active = self.expressed(raw)
        return all(path in active for path in self.parameters if self._is_active(path, active))

    def defaults(self) -> dict[str, Raw] | None:
        """Stored values of the default configuration, or None if an active parameter has no default."""
        given = {
            path: parameter.encode(parameter.first)
            for path, parameter in self.parameters.items()
            if parameter.has_default
        }
        return self.expressed(given) if self.is_complete(given) else None

    def conditions_of(self, path: str) -> dict[str, tuple[Scalar, ...]]:
        """Every condition, of the parameter itself and of all above it, that must hold for it to be active."""
        found: dict[str, tuple[Scalar, ...]] = {}
        for parent, values in self.parameters[path].conditions.items():
            for above, admitted in {**self.conditions_of(parent), parent: values}.items():
                known = found.get(above, admitted)
                found[above] = tuple(value for value in admitted if value in known)
        return found

    def _is_active(self, path: str, active: Mapping[str, Raw]) -> bool:
        conditions = self.parameters[path].conditions.items()
        return all(parent in active and active[parent] in values for parent, values in conditions)

    def _decoded(self, raw: Mapping[str, Raw]) -> Configuration:
        return Configuration({path: self.parameters[path].decode(value) for path, value in raw.items()})


def _check_condition(path: str, parent: str, values: tuple[Scalar, ...], parameters: Mapping[str, Parameter]) -> None:
    here = (path, "when", parent)
    if parent not in parameters:
        raise SpaceError(here, f"is no parameter of this space; {nearest(parent, parameters)}")
    if not values:
        raise SpaceError(here, "names no value, so that the parameter would never be active")
    if parameters[parent].type in ("float", "subset"):
        raise SpaceError(
            here, f"is a {parameters[parent].type}; only choice, bool and int parameters can be conditions"
        )
    wrong = [value for value in values if not parameters[parent].has(value)]
    if wrong:
        options = parameters[parent].options()
        valid = f"choose from {', '.join(map(str, options))}" if options else "its range does not hold it"
        raise SpaceError(here, f"never has the value {wrong[0]!r}; {valid}")
