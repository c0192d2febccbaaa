"""Roles with their checks, and the recognition of a part's role."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from segada.errors import InputError
from segada.settings.roles import ROLES, SEARCH, roles_of
from segada.testing.adapters import ADAPTER_CHECKS, AdapterCase
from segada.testing.controllers import CONTROLLER_CHECKS, ControllerCase
from segada.testing.data_sets import DATA_CHECKS, DataCase
from segada.testing.encoders import ENCODER_CHECKS, EncoderCase
from segada.testing.findings import Finding
from segada.testing.heads import HEAD_CHECKS, HeadCase
from segada.testing.methods import METHOD_CHECKS, MethodCase
from segada.testing.networks import NETWORK_CHECKS, NetworkCase
from segada.testing.scores import SCORE_CHECKS, ScoreCase
from segada.testing.suite import Suite, checked_by

SUITES: Final[Mapping[str, Suite]] = {
    "method": Suite(MethodCase.of, METHOD_CHECKS),
    "controller": Suite(ControllerCase.of, CONTROLLER_CHECKS),
    "adapter": Suite(AdapterCase.of_blocks, ADAPTER_CHECKS),
    "image_adapter": Suite(AdapterCase.of_images, ADAPTER_CHECKS),
    "encoder": Suite(EncoderCase, ENCODER_CHECKS, has_settings=False),
    "head": Suite(HeadCase, HEAD_CHECKS, has_settings=False),
    "network": Suite(NetworkCase.of, NETWORK_CHECKS),
    "dataset": Suite(DataCase.of, DATA_CHECKS),
    "label_free": Suite(ScoreCase, SCORE_CHECKS, has_settings=False),
}
"""Suites by the keys of `segada.settings.roles.ROLES`."""


def checked(name: str, role: str | None = None, assignments: Sequence[str] = ()) -> tuple[str, Iterator[Finding]]:
    """Returns the role of a part in words, and the findings, which are made while they are read.

    Args:
        name: Name of the part, as in settings.
        role: Key of `SUITES`; None recognizes it. Functions that return networks are not recognized.
        assignments: Settings of the part, `key=value`.

    Raises:
        InputError: There is no such part, it can have no role or several, or its settings are wrong.
    """
    return checked_by(SUITES, recognized, name, role, assignments)


def recognized(name: str, target: object) -> str:
    """Returns the role of code.

    Raises:
        InputError: It can have none, or several, or one in a search.
    """
    found = roles_of(target)
    if found and set(found) <= set(SEARCH):
        titles = " or ".join(ROLES[key].title for key in found)
        raise InputError(f"{name!r} is {titles} of a search; check it with python -m hpo.testing")
    if len(found) == 1:
        return found[0]
    choices = ", ".join(key for key in found or SUITES if key in SUITES)
    which = "could be several parts" if found else "is no part that is known"
    raise InputError(f"{name!r} {which}; say which with --role, one of {choices}")
