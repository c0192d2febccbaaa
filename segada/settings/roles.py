"""Roles that code of the user can have, and checks by name: nothing of the engine is imported."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from segada.errors import InputError

DIRECTIONS: Final = ("maximize", "minimize")
"""Values of the attribute `direction` of a label-free score."""


@dataclass(frozen=True)
class Role:
    """Demands on code of one role.

    Attributes:
        title: The role in a sentence, with its article.
        base: Full name of the class that a class of this role is derived from; empty if functions alone have the role.
        arguments: Names of the arguments that it is called with, in order; empty if it is not called.
        attributes: Names of attributes that it has.
        values: Values that the last attribute may have; empty for any.
    """

    title: str
    base: str = ""
    arguments: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    values: tuple[str, ...] = ()


ROLES: Final[Mapping[str, Role]] = {
    "method": Role("a method", base="segada.methods.base.Method", arguments=("parts",)),
    "controller": Role("a controller", base="segada.controllers.base.Controller", arguments=("parts",)),
    "adapter": Role("an adapter", arguments=("block", "settings", "generator")),
    "image_adapter": Role("an image adapter", arguments=("encoder", "settings", "generator")),
    "encoder": Role(
        "an encoder", base="segada.models.encoders.base.Encoder", arguments=("drop_path", "depth", "generator")
    ),
    "head": Role("a head", base="segada.models.heads.base.Head", arguments=("channels", "width", "classes")),
    "network": Role("a function that returns a network"),
    "dataset": Role("a data set", attributes=("recorded", "listed", "open", "labelled")),
    "metric": Role("a metric", arguments=("report",)),
    "sampler": Role("a sampler", arguments=("settings", "seed")),
    "pruner": Role("a pruner", arguments=("settings",)),
    "label_free": Role("a label-free score", arguments=("inputs",), attributes=("direction",), values=DIRECTIONS),
}
"""Roles by the key or section of the settings that names the code."""

SEARCH: Final = ("metric", "sampler", "pruner")
"""Roles in a search: `python -m hpo.testing` checks them, and `python -m segada.testing` the others."""


def check_role(key: str, name: str, target: object) -> None:
    """Checks that code has what its role needs, as far as this can be seen without calling it.

    Args:
        key: Key of `ROLES`.
        name: Name of the code in messages.
        target: The code.

    Raises:
        InputError: Something is missing; one line with the demand.
    """
    role = ROLES[key]
    problem = next(filter(None, (check(role, target) for check in _CHECKS)), None)
    if problem is not None:
        raise InputError(f"{name!r} is not {role.title}: {problem}")


def roles_of(target: object) -> list[str]:
    """Returns the keys of the roles that code seems to have: by its base class, its attributes or its arguments."""
    bases = [key for key, role in ROLES.items() if role.base in _bases(target)]
    equipped = [key for key, role in ROLES.items() if role.attributes and _has(target, role)]
    called = [key for key, role in ROLES.items() if role.arguments and role.arguments == _arguments(target)]
    return bases or equipped or called


def _has(target: object, role: Role) -> bool:
    return all(hasattr(target, name) for name in role.attributes)


def _bases(target: object) -> list[str]:
    return [f"{one.__module__}.{one.__qualname__}" for one in getattr(target, "__mro__", ())]


def _arguments(target: object) -> tuple[str, ...]:
    try:
        return tuple(inspect.signature(target).parameters) if callable(target) else ()
    except ValueError:
        return ()


def _derived(role: Role, target: object) -> str | None:
    names = _bases(target)
    other = next((one.title for one in ROLES.values() if one.base in names and one.base != role.base), None)
    if other is not None and isinstance(target, type):
        return f"{target.__qualname__} is {other}"
    if not role.base:
        return None
    if isinstance(target, type):
        return None if role.base in names else f"derive {target.__qualname__} from {role.base}"
    is_made = callable(target) and len(role.arguments) > 1
    return None if is_made else f"name a class that is derived from {role.base}, not {_kind(target)}"


def _complete(_: Role, target: object) -> str | None:
    missing = sorted(getattr(target, "__abstractmethods__", ()))
    return f"it does not define {', '.join(missing)}" if missing else None


def _called(role: Role, target: object) -> str | None:
    if not role.arguments:
        return None
    call = f"({', '.join(role.arguments)})"
    if not callable(target):
        return f"name a function of {call}, not {_kind(target)}"
    try:
        inspect.signature(target).bind(*role.arguments)
    except TypeError:
        return f"it is called with {call}, but takes {inspect.signature(target)}"
    except ValueError:
        # Functions of C may have no signature.
        return None
    return None


def _equipped(role: Role, target: object) -> str | None:
    if role.attributes and isinstance(target, type):
        return f"name an object of {target.__qualname__}, such as IT = {target.__qualname__}(), not the class"
    missing = [name for name in role.attributes if not hasattr(target, name)]
    if missing:
        demand = f", one of {', '.join(role.values)}" if role.values else ""
        return f"it has no attribute {missing[0]}{demand}"
    if role.values and getattr(target, role.attributes[-1]) not in role.values:
        found = getattr(target, role.attributes[-1])
        return f"its attribute {role.attributes[-1]} is {found!r}, not one of {', '.join(role.values)}"
    return None


def _kind(target: object) -> str:
    return f"a {type(target).__name__}"


_CHECKS: Final[tuple[Callable[[Role, object], str | None], ...]] = (_derived, _complete, _called, _equipped)
