"""Roles of the search with their checks, and the recognition of a part's role."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from hpo.testing.metrics import METRIC_CHECKS, MetricCase
from hpo.testing.pruners import PRUNER_CHECKS, PrunerCase
from hpo.testing.samplers import SAMPLER_CHECKS, SamplerCase
from segada.errors import InputError
from segada.settings.roles import ROLES
from segada.testing.findings import Finding
from segada.testing.suite import Suite, checked_by

SUITES: Final[Mapping[str, Suite]] = {
    "sampler": Suite(SamplerCase.of, SAMPLER_CHECKS),
    "pruner": Suite(PrunerCase.of, PRUNER_CHECKS),
    "metric": Suite(MetricCase, METRIC_CHECKS, has_settings=False),
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
    return checked_by(SUITES, _recognized, name, role, assignments)


def _recognized(name: str, target: object) -> str:
    """Returns the role whose arguments the code names as its own."""
    named = tuple(inspect.signature(target).parameters) if callable(target) else ()
    found = next((key for key in SUITES if ROLES[key].arguments == named), None)
    if found is None:
        choices = ", ".join(SUITES)
        raise InputError(f"{name!r}: its arguments do not tell its role; say which with --role, one of {choices}")
    return found
