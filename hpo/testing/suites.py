"""Roles of the search with their checks, and the recognition of a part's role."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from hpo.testing.metrics import METRIC_CHECKS, MetricCase
from hpo.testing.pruners import PRUNER_CHECKS, PrunerCase
from hpo.testing.samplers import SAMPLER_CHECKS, SamplerCase
from segada.core.named_code import is_code, load_code
from segada.errors import InputError
from segada.settings.assignments import parse_assignments
from segada.settings.named_kinds import absolute
from segada.settings.nested import Tree, nested
from segada.settings.roles import ROLES, check_role
from segada.testing.findings import Checks, Finding, findings


@dataclass(frozen=True)
class Suite:
    """Checks of a role.

    Attributes:
        case: Function from the name of a part and its settings to a case.
        checks: Checks of such cases.
    """

    case: Callable[[str, Tree], Any]
    checks: Checks[Any]


SUITES: Final[Mapping[str, Suite]] = {
    "sampler": Suite(SamplerCase.of, SAMPLER_CHECKS),
    "pruner": Suite(PrunerCase.of, PRUNER_CHECKS),
    "metric": Suite(MetricCase.of, METRIC_CHECKS),
}
"""Suites by the keys of `segada.settings.roles.ROLES`."""


def checked(name: str, role: str | None = None, assignments: Sequence[str] = ()) -> tuple[str, Iterator[Finding]]:
    """Returns the role of a part in words, and the findings, which are made while they are read.

    Args:
        name: Name of the part, as in a study file.
        role: Key of `SUITES`; None recognizes it by the names of the arguments.
        assignments: Settings of the part, `key=value`.

    Raises:
        InputError: There is no such part, its role cannot be told, or its settings are wrong.
    """
    if not is_code(name):
        raise InputError(f"{name!r} is not the name of code; write module:attribute, or file.py:attribute")
    whole = absolute(name)
    target = load_code(whole)
    key = role or _recognized(whole, target)
    check_role(key, whole, target)
    try:
        case = SUITES[key].case(whole, nested(parse_assignments(assignments)))
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        raise InputError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}; give it with --set") from None
    return ROLES[key].title, findings(SUITES[key].checks, case)


def _recognized(name: str, target: object) -> str:
    """Returns the role whose arguments the code names as its own."""
    named = tuple(inspect.signature(target).parameters) if callable(target) else ()
    found = next((key for key in SUITES if ROLES[key].arguments == named), None)
    if found is None:
        choices = ", ".join(SUITES)
        raise InputError(f"{name!r}: its arguments do not tell its role; say which with --role, one of {choices}")
    return found
