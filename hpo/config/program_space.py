"""Check of a search space against the free-form settings of a program, before anything starts."""

from collections.abc import Mapping

import numpy as np

from hpo.config.free_settings import leaves, with_values
from hpo.search_space.space import Space, SpaceError
from hpo.search_space.validation import SAMPLES, check_defaults
from segada.settings.nested import Tree, Value, has_path
from segada.settings.schema import nearest


def check_free_space(space: Space, run: Tree, schema: Tree | None, *, is_whole: bool) -> None:
    """Checks that every parameter is a setting of the program, as far as its settings are known.

    Args:
        space: search space.
        run: settings of the program that all runs share.
        schema: JSON schema of the settings; None if there is none.
        is_whole: True if `run` has every setting of the program.

    Raises:
        SpaceError: a path does not exist, lies below a value, or a configuration does not fit the schema.
    """
    known = dict(leaves(run))
    for path in space.parameters:
        parts = path.split(".")
        above = next((".".join(parts[:end]) for end in range(1, len(parts)) if ".".join(parts[:end]) in known), None)
        if above is not None and known[above] not in (None, {}):
            raise SpaceError(("space", path), f"lies below {above}, which is a value: {known[above]!r}")
        if is_whole and schema is None and not has_path(run, parts):
            raise SpaceError(("space", path), f"no setting of engine.defaults has this path; {nearest(path, known)}")
        if any(other.startswith(f"{path}.") for other in known):
            below = [other for other in known if other.startswith(f"{path}.")]
            raise SpaceError(("space", path), f"is a group of settings, not one of them; {nearest(path, below)}")
    check_defaults(space)
    if schema is not None:
        _check_samples(space, run, schema)


def _check_samples(space: Space, run: Tree, schema: Tree) -> None:
    from jsonschema import Draft202012Validator  # slow to import

    validator = Draft202012Validator(schema)
    generator = np.random.default_rng(0)
    for configuration in [space.draw(generator) for _ in range(SAMPLES)]:
        error = next(iter(validator.iter_errors(with_values(run, configuration.values))), None)
        if error is None:
            continue
        place = ".".join(map(str, error.absolute_path))
        text = f"{error.message} (engine.json_schema)"
        if place in space.parameters:
            raise SpaceError(("space", place), text)
        raise SpaceError(("space",), f"{place or 'settings'}: {text}")


def unknown_setting(run: Tree, changes: Mapping[str, Value]) -> str | None:
    """Returns the first path of changes that is no setting of the program, with the nearest that is; None if all
    are.
    """
    unknown = (path for path, _ in leaves(with_values({}, changes)) if not has_path(run, path.split(".")))
    return next(
        (f"no setting of engine.defaults has the path {path}; {nearest(path, dict(leaves(run)))}" for path in unknown),
        None,
    )
