"""First points of a search (`start_from` of a study file), tried before the sampler proposes any."""

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

from pydantic import BeforeValidator, Discriminator, Field, JsonValue, Tag

from hpo.search_space import Space, SpaceError
from hpo.search_space.configuration import Configuration
from hpo.search_space.parameter import Raw
from segada.settings.base import Count, PathText, Settings
from segada.settings.base import Sequence as Several
from segada.settings.limits import CHOICES
from segada.settings.nested import Value
from segada.settings.schema import nearest

DEFAULTS = "defaults"
START_FROM = "start_from"
TRIED = 3
"""Number of configurations of a former study that are tried if an entry does not name one."""


class FormerStudy(Settings):
    """Best configurations of a finished study."""

    study: PathText
    """Folder of the study's results."""
    top: Count | None = None
    """Number of best configurations; null tries three, or takes over all results. Parameters that are not in this
    space are ignored.
    """
    results: bool = False
    """Take over its results as finished trials, which use nothing of the budget, instead of trying its best again. Its
    runs must have the same settings, apart from the space, and the same engine.
    """

    @property
    def count(self) -> int | None:
        """Number of best configurations; None for all."""
        return TRIED if self.top is None and not self.results else self.top


def _form(given: object) -> str:
    if isinstance(given, dict) and "study" not in given:
        return "configuration"
    return "word" if isinstance(given, str) else "former"


Start = Annotated[
    Annotated[PathText, Tag("word")]
    | Annotated[FormerStudy, Tag("former")]
    | Annotated[dict[str, JsonValue], Tag("configuration")],
    Discriminator(_form),
]
"""One entry of `start_from`: `defaults`, the folder of a former study, a `FormerStudy`, or a configuration by path.

Parameters that a configuration does not name have their default; the sampler chooses those without a default.
"""

StartFrom = Annotated[
    Several[Start],
    Field(max_length=CHOICES),
    BeforeValidator(lambda given: [given] if isinstance(given, str | dict) else given),
]


def former_study(start: Start) -> FormerStudy | None:
    """Returns the former study that an entry names; None for `defaults` and configurations."""
    if isinstance(start, str):
        return None if start == DEFAULTS else FormerStudy(study=start)
    return start if isinstance(start, FormerStudy) else None


def check_start(space: Space, starts: Sequence[Start]) -> None:
    """Checks the configurations that `start_from` spells out.

    Raises:
        SpaceError: a path or value is not of the space, does not matter in its configuration, or is forbidden.
    """
    for index, start in enumerate(starts):
        if isinstance(start, dict):
            _check(space, start, (START_FROM, index))


def first_points(
    space: Space,
    starts: Sequence[Start],
    best_of: Callable[[int, FormerStudy], Sequence[tuple[str, Mapping[str, Value]]]],
    notes: list[str],
) -> list[dict[str, Raw]]:
    """Returns the stored values of the first points, without duplicates.

    Args:
        space: the search space.
        starts: entries that `check_start` accepted; those whose results are taken over give no points.
        best_of: returns a former study's configurations, each its name and its values by path, best first, given its
            index in `starts`.
        notes: list that gets a sentence for each value that this space does not allow, and for each point left out.

    Raises:
        SpaceError: nothing of a former study fits this space.
    """
    points: dict[str, dict[str, Raw]] = {}
    for index, start in enumerate(starts):
        former = former_study(start)
        found: list[tuple[str, Mapping[str, Value]]] = []
        if former is None:
            found = [("", start)] if isinstance(start, dict) else [("", {})] if space.defaults() else []
        elif not former.results:
            best = [(name, _known(space, name, values, notes)) for name, values in best_of(index, former)]
            found = [(name, values) for name, values in best if values]
            if not found:
                raise SpaceError((START_FROM, index), f"finds nothing for this space in {former.study}; leave it out")
        for name, given in found:
            values = space.completed(given)
            forbidden, key = space.forbidding(values), Configuration(values).hash
            if name and (forbidden is not None or key in points):
                why = (
                    "is an earlier point in this space"
                    if forbidden is None
                    else f"is forbidden, by forbidden.{forbidden}"
                )
                notes.append(f"{name} is left out: it {why}")
            if forbidden is None:
                points.setdefault(key, space.encode(values))
    return list(points.values())


def _check(space: Space, given: Mapping[str, Value], place: tuple[str | int, ...]) -> None:
    for path, value in given.items():
        if path not in space.parameters:
            raise SpaceError((*place, path), f"is not a parameter of this space; {nearest(path, space.parameters)}")
        refusal = space.parameters[path].refusal(value)
        if refusal is not None:
            raise SpaceError((*place, path), refusal)
    try:
        values = space.completed(given)
    except ValueError as problem:
        raise SpaceError(place, str(problem)) from None
    idle = [path for path in given if path not in values]
    if idle:
        raise SpaceError((*place, idle[0]), "has no effect here: the conditions of this parameter do not hold")
    index = space.forbidding(values)
    if index is not None:
        raise SpaceError(place, f"is forbidden, by forbidden.{index}")


def _known(space: Space, name: str, values: Mapping[str, Value], notes: list[str]) -> dict[str, Value]:
    """Returns the part of another space's configuration that is valid in this space; notes the values that are not."""
    known = {}
    for path, value in values.items():
        parameter = space.parameters.get(path)
        refusal = None if parameter is None else parameter.refusal(value)
        if parameter is not None and refusal is None:
            known[path] = value
        elif parameter is not None:
            instead = f"its default {parameter.first!r} is tried" if parameter.has_default else "the sampler chooses it"
            notes.append(f"{name}: {path} {refusal}, so {instead}")
    return known
