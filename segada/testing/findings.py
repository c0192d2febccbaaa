"""A check of a contract: a sentence that holds or does not hold of a part, and the reason. Imports no torch."""

import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from segada.errors import InputError

Case = TypeVar("Case")

Checks = Mapping[str, Callable[[Case], None]]
"""Checks by the sentence that they prove; each takes a case of its role and raises an error if it does not hold."""


class BrokenPromise(AssertionError):
    """A part does not do what its role promises."""


@dataclass(frozen=True)
class Finding:
    """Outcome of one check.

    Attributes:
        sentence: The promise.
        problem: What was seen instead, with the line of the user's code if it raised an error; None if it holds.
    """

    sentence: str
    problem: str | None


def assert_holds(checks: Checks[Case], sentence: str, case: Case) -> None:
    """Raises the error of a check that does not hold."""
    checks[sentence](case)


def require(condition: object, problem: str) -> None:
    """Raises `BrokenPromise` with the problem unless the condition holds."""
    if not condition:
        raise BrokenPromise(problem)


def findings(checks: Checks[Case], case: Case) -> Iterator[Finding]:
    """Yields the outcome of each check, in order; an error of any kind is a promise that does not hold."""
    for sentence, check in checks.items():
        try:
            check(case)
        except Exception as error:  # noqa: BLE001 - code of others may raise anything
            yield Finding(sentence, _told(error))
        else:
            yield Finding(sentence, None)


def _told(error: Exception) -> str:
    said = " ".join(str(error).split())
    if isinstance(error, BrokenPromise | InputError):
        return said
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}"
    return f"{type(error).__name__} in {place}{': ' if said else ''}{said}"
