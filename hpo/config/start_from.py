"""What a search begins with: `start_from` of a study file, as points that are tried before anything is sampled."""

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


class FormerStudy(Settings):
    """The best of a study that has been run."""

    study: PathText
    """Folder of its results."""
    top: Count = 3
    """Configurations that are tried, the best ones. What they have beyond this space is left out."""


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
"""`defaults`, the folder of a former study, that with a number of configurations, or a configuration by path.

Parameters that a configuration does not name have their default; those without one, the sampler chooses.
"""

StartFrom = Annotated[
    Several[Start],
    Field(max_length=CHOICES),
    BeforeValidator(lambda given: [given] if isinstance(given, str | dict) else given),
]


def former_study(start: Start) -> FormerStudy | None:
    """The study that is meant, if it is one."""
    if isinstance(start, str):
        return None if start == DEFAULTS else FormerStudy(study=start)
    return start if isinstance(start, FormerStudy) else None


def check_start(space: Space, starts: Sequence[Start]) -> None:
    """Checks configurations that a person has written.

    Raises:
        SpaceError: a path or value is not of the space, does not matter in its configuration, or is forbidden.
    """
    for index, start in enumerate(starts):
        if isinstance(start, dict):
            _check(space, start, (START_FROM, index))


def first_points(
    space: Space, starts: Sequence[Start], best_of: Callable[[int, FormerStudy], Sequence[Mapping[str, Value]]]
) -> list[dict[str, Raw]]:
    """Stored values of the points to begin with, each once.

    Args:
        space: the space.
        starts: as `check_start` has seen them.
        best_of: the best configurations of a former study, the best first, by path; and its place in `starts`.

    Raises:
        SpaceError: nothing of a former study fits this space.
    """
    points: dict[str, dict[str, Raw]] = {}
    for index, start in enumerate(starts):
        former = former_study(start)
        found = [start] if isinstance(start, dict) else [{}] if space.defaults() else []
        if former is not None:
            found = [values for best in best_of(index, former) if (values := _known(space, best))]
            if not found:
                raise SpaceError((START_FROM, index), f"finds nothing for this space in {former.study}; leave it out")
        for values in map(space.completed, found):
            if space.forbidding(values) is None:
                points.setdefault(Configuration(values).hash, space.encode(values))
    return list(points.values())


def _check(space: Space, given: Mapping[str, Value], place: tuple[str | int, ...]) -> None:
    for path, value in given.items():
        if path not in space.parameters:
            raise SpaceError((*place, path), f"is no parameter of this space; {nearest(path, space.parameters)}")
        refusal = space.parameters[path].refusal(value)
        if refusal is not None:
            raise SpaceError((*place, path), refusal)
    try:
        values = space.completed(given)
    except ValueError as problem:
        raise SpaceError(place, str(problem)) from None
    idle = [path for path in given if path not in values]
    if idle:
        raise SpaceError((*place, idle[0]), "changes nothing here: the conditions of this parameter do not hold")
    index = space.forbidding(values)
    if index is not None:
        raise SpaceError(place, f"is forbidden, by forbidden.{index}")


def _known(space: Space, values: Mapping[str, Value]) -> dict[str, Value]:
    """What of a configuration of another space can be in this one."""
    return {
        path: value
        for path, value in values.items()
        if path in space.parameters and space.parameters[path].refusal(value) is None
    }
