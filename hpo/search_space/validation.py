"""Check of a search space against the settings, before anything starts."""

import numpy as np
from pydantic import ValidationError

from hpo.search_space.conditions import admits
from hpo.search_space.kinds import Parameter
from hpo.search_space.space import Space, SpaceError
from segada.errors import InputError
from segada.settings import RunSettings
from segada.settings.nested import Tree, Value, at_path, nested
from segada.settings.run import DEFAULT_NAMES
from segada.settings.schema import Slot, all_paths, nearest, slots
from segada.settings.validation_errors import in_words

SAMPLES = 500
"""Number of random configurations checked for contradictions between individually valid values."""

SELECTED = tuple(f"{section}.name" for section in DEFAULT_NAMES)
"""Settings that choose the kind of a section."""

RESERVED = {
    "seed": "is varied by the confirmation, so that a lucky seed does not win; fix run.seed",
    "evaluation.split": "keeps the confirmation's frames out of the search; leave it out",
    "runtime": "determines how runs are computed, which must be equal for all compared runs; fix it in run.runtime",
}
"""Settings, and groups of settings, that a study controls itself."""


def check_space(space: Space, run: Tree) -> None:
    """Checks that every configuration gives a valid run.

    Args:
        space: search space.
        run: fixed settings of the study, which are valid by themselves, with the name of every section (`with_names`).

    Raises:
        SpaceError: a path does not exist, or only under another condition; a value does not fit the setting; or
            individually valid values contradict each other.
    """
    for path, parameter in space.parameters.items():
        _check_free(path)
        places = _places(path, space, run)
        if path in places[0].given:
            _check_kinds(path, parameter, [place.given[path] for place in places])
        else:
            for place in places:
                _check_values(path, parameter, place)
    check_defaults(space)
    _check_samples(space, run)


def _check_free(path: str) -> None:
    for reserved, reason in RESERVED.items():
        if path == reserved or path.startswith(f"{reserved}."):
            raise SpaceError(("space", path), f"is not a parameter of a search: it {reason}")


def _places(path: str, space: Space, run: Tree) -> list[Slot]:
    """Returns the settings at a path, one for each type of section in which the path can be active."""
    trees = named_trees(space, run)
    try:
        found = slots(RunSettings, path.split("."), trees)
    except InputError as problem:
        raise SpaceError(("space", path), str(problem)) from None
    if not found:
        raise SpaceError(("space", path), f"no setting has this path; {nearest(path, all_paths(RunSettings, trees))}")
    if any(place.is_group() for place in found):
        below = [other for other in all_paths(RunSettings, trees) if other.startswith(f"{path}.")]
        raise SpaceError(("space", path), f"is a group of settings, not one of them; {nearest(path, below)}")
    selectors = {selector for place in found for selector in place.given if selector != path}
    possible = {selector: _kinds(selector, path, space, run) for selector in selectors}
    for selector, kinds in possible.items():
        admitted = [place.given[selector] for place in found]
        foreign = [kind for kind in kinds if kind not in admitted]
        if foreign:
            cure = (
                f"add when: {{{selector}: {_listed(admitted)}}}" if selector in space.parameters else f"fix {selector}"
            )
            raise SpaceError(
                ("space", path),
                f"exists only where {selector} is {_listed(admitted)}, but it can be {foreign[0]}; {cure}",
            )
    return [place for place in found if all(place.given[name] in kinds for name, kinds in possible.items())]


def named_trees(space: Space, run: Tree) -> list[Tree]:
    """Returns values of runs that together hold every name that a section can have: the fixed one and those to choose
    from."""
    options = (
        (path, option) for path in SELECTED if path in space.parameters for option in space.parameters[path].options()
    )
    return [run, *(nested({path: option}) for path, option in options)]


def _kinds(selector: str, path: str, space: Space, run: Tree) -> list[Value]:
    """Returns the names that a section can have while the parameter at `path` is active."""
    section, _, _ = selector.rpartition(".")
    fixed = at_path(run, selector.split(".")) or DEFAULT_NAMES.get(section)
    assert fixed is None or isinstance(fixed, str)
    parameter = space.parameters.get(selector)
    if parameter is None:
        return [fixed]
    found: list[Value] = []
    for way in space.ways_to(path):
        tests = way.get(selector, [])
        found += [option for option in parameter.options() if all(admits(test, option) for test in tests)]
        # If the parameter that selects the section is inactive, the section is the study's fixed one.
        found += [fixed] if parameter.when and not tests else []
    return found


def _check_kinds(path: str, parameter: Parameter, kinds: list[str]) -> None:
    """Checks the values of a parameter that selects a section's type, such as `adapter.name`."""
    for parts, value in parameter.probes():
        if value not in kinds:
            raise SpaceError(("space", path, *parts), f"should be one of {', '.join(kinds)}, not {value!r}")


def _check_values(path: str, parameter: Parameter, place: Slot) -> None:
    for parts, value in parameter.probes():
        try:
            place.check(value)
        except ValidationError as error:
            raise SpaceError(("space", path, *parts), f"{in_words(error.errors()[0])}, not {value!r}") from None


def check_defaults(space: Space) -> None:
    """Checks that the defaults of a space are values of it, in a combination that is not forbidden.

    Raises:
        SpaceError: they are not.
    """
    try:
        defaults = space.completed({})
    except ValueError as problem:
        raise SpaceError(("space",), f"the default of {problem}") from None
    index = space.forbidding(defaults)
    if index is not None:
        raise SpaceError(("forbidden", index), "forbids the defaults of the space; change one of them")


def _check_samples(space: Space, run: Tree) -> None:
    generator = np.random.default_rng(0)
    for configuration in [space.draw(generator) for _ in range(SAMPLES)]:
        try:
            configuration.settings(run)
        except ValidationError as error:
            text = f"allows a combination that cannot run ({configuration}): {in_words(error.errors()[0])}"
            raise SpaceError(("space",), text) from None


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"
