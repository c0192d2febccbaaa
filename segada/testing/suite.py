"""Checks of a named part of the user by the suite of its role. Imports no torch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from segada.core.named_code import is_code, load_code
from segada.errors import InputError
from segada.settings.assignments import parse_assignments
from segada.settings.named_kinds import absolute
from segada.settings.nested import nested
from segada.settings.roles import ROLES, check_role
from segada.testing.findings import Checks, Finding, findings

Recognition = Callable[[str, object], str]
"""Function from the name of code and the code to its role; it raises `InputError` if it cannot tell."""


@dataclass(frozen=True)
class Suite:
    """Checks of a role.

    Attributes:
        case: Function from the name of a part, and its settings if it has any, to a case.
        checks: Checks of such cases.
        has_settings: False if parts of the role have no settings of their own.
    """

    case: Callable[..., Any]
    checks: Checks[Any]
    has_settings: bool = True


def checked_by(
    suites: Mapping[str, Suite], recognized: Recognition, name: str, role: str | None, assignments: Sequence[str]
) -> tuple[str, Iterator[Finding]]:
    """Returns the role of a part in words, and the findings, which are made while they are read.

    Args:
        suites: Suites by keys of `segada.settings.roles.ROLES`.
        recognized: Recognition of the role.
        name: Name of the part, as in settings.
        role: Key of `suites`; None recognizes it.
        assignments: Settings of the part, `key=value`.

    Raises:
        InputError: There is no such part, its role cannot be told, or its settings are wrong.
    """
    if not is_code(name):
        raise InputError(f"{name!r} is not the name of code; write module:attribute, or file.py:attribute")
    whole = absolute(name)
    target = load_code(whole)
    key = role or recognized(whole, target)
    check_role(key, whole, target)
    suite, values = suites[key], nested(parse_assignments(assignments))
    if values and not suite.has_settings:
        raise InputError(f"{ROLES[key].title} has no settings of its own")
    try:
        case = suite.case(whole, values) if suite.has_settings else suite.case(whole)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        raise InputError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}; give it with --set") from None
    return ROLES[key].title, findings(suite.checks, case)
