"""Check of stored values that people and other programs put into a study's storage."""

import math
from collections.abc import Mapping

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from hpo.search_space.parameter import SHOWN, Raw
from hpo.search_space.scaling import nearest_to
from hpo.search_space.space import Space
from segada.settings.schema import nearest
from segada.settings.validation_errors import shown


def accepted(space: Space, given: Mapping[str, object]) -> dict[str, Raw]:
    """Returns stored values in the types of the space: 3.0 becomes 3 for an integer, 1 becomes 1.0 for a float.

    Args:
        space: search space.
        given: values by name of dimension; not every dimension needs one.

    Raises:
        ValueError: a name or a value is not of the space; the text names both, and what is possible.
    """
    distributions = space.distributions()
    found: dict[str, Raw] = {}
    for name, value in given.items():
        if name not in distributions:
            raise ValueError(f"{name} is not a parameter of this space; {nearest(name, distributions)}")
        fitting = _fitting(distributions[name], value)
        if not fitting:
            raise ValueError(f"{name} cannot be {_described(value)}; {_possible(space, name, distributions[name])}")
        (found[name],) = fitting
    return found


def whole_point(space: Space, given: Mapping[str, object]) -> dict[str, Raw]:
    """Returns the stored values of a whole point, in the types of the space and without inactive dimensions.

    Args:
        space: search space.
        given: values by name of dimension.

    Raises:
        ValueError: a value is not of the space or is missing, or the point is forbidden.
    """
    known = accepted(space, given)
    missing = space.missing(known)
    if missing:
        raise ValueError(f"{missing[0]} has no value")
    point = space.active_values(known)
    check_effect(space, {}, point)
    return point


def check_effect(space: Space, given: Mapping[str, object], point: Mapping[str, Raw]) -> None:
    """Checks that a whole point is allowed, and that every given value has an effect in it.

    Raises:
        ValueError: a given dimension is inactive in the point, or the point is forbidden.
    """
    idle = [name for name in given if name not in point]
    if idle:
        raise ValueError(f"{idle[0]} has no effect here: the conditions of this parameter do not hold")
    index = space.forbidding(space.configuration(point).values)
    if index is not None:
        raise ValueError(f"the point is forbidden, by forbidden.{index}")


def _fitting(distribution: BaseDistribution, value: object) -> tuple[Raw, ...]:
    """Returns the value of a distribution that equals a given one; empty if there is none."""
    if isinstance(distribution, CategoricalDistribution):
        return tuple(choice for choice in distribution.choices if _is_same(choice, value))[:1]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return ()
    # NaN fails this comparison, and whole numbers of any length can be compared.
    if not distribution.low <= value <= distribution.high:
        return ()
    if distribution.step is not None and not _is_near(value, nearest_to(distribution, value)):
        return ()
    return (int(value) if isinstance(distribution, IntDistribution) else float(value),)


def _is_same(choice: Raw, value: object) -> bool:
    numbers = [isinstance(one, int | float) and not isinstance(one, bool) for one in (choice, value)]
    return (all(numbers) or type(choice) is type(value)) and choice == value


def _is_near(value: float, level: float) -> bool:
    return math.isclose(value, level, rel_tol=1e-9, abs_tol=1e-12)


def _described(value: object) -> str:
    text = shown(value)  # type: ignore[arg-type]  # any object has a short text
    return f"the text {text}" if isinstance(value, str) else text


def _possible(space: Space, name: str, distribution: BaseDistribution) -> str:
    if isinstance(distribution, CategoricalDistribution) and len(distribution.choices) <= SHOWN:
        return f"choose from {', '.join(map(repr, distribution.choices))}"
    kind = "an integer, " if isinstance(distribution, IntDistribution) else "a number, "
    is_number = isinstance(distribution, FloatDistribution | IntDistribution)
    return f"it is {kind if is_number else ''}{space.parameters[space.owners[name]].described}"
