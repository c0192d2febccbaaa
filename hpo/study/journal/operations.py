"""Operations of Optuna's journal, one per line, checked before they are replayed."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, NotRequired

from optuna.distributions import BaseDistribution, CategoricalDistribution, json_to_distribution
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState
from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

Operation = dict[str, Any]

Index = Annotated[int, Field(ge=0)]
Code = Literal[0, 1, 2, 3, 4]
YEARS = range(1970, 9000)
"""Years in which a time can be converted to another time zone."""


def _moment(text: str) -> str:
    if datetime.fromisoformat(text).year not in YEARS:
        raise ValueError("is not a year of a study")
    return text


@lru_cache(maxsize=1024)
def distribution_of(text: str) -> BaseDistribution:
    """Parses a distribution in Optuna's format; raises ValueError if it is none."""
    try:
        return json_to_distribution(text)
    except (KeyError, TypeError, AttributeError) as failure:
        raise ValueError(f"has no distribution in {text[:40]!r} ({failure!r})") from None


def _known_distribution(text: str) -> str:
    distribution_of(text)
    return text


Moment = Annotated[str, AfterValidator(_moment)]
"""Time in ISO format, in a year of YEARS."""
Distribution = Annotated[str, AfterValidator(_known_distribution)]
"""Distribution in Optuna's format."""
Step = Annotated[str, Field(pattern=r"^-?\d{1,9}$")]
"""Step of an intermediate value, as a key in JSON."""
Attribute = Annotated[dict[str, Any], Field(min_length=1, max_length=1)]

_STRICT = ConfigDict(strict=True)


@with_config(_STRICT)
class _CreateStudy(TypedDict):
    worker_id: str
    study_name: str
    directions: Annotated[list[Literal[0, 1, 2]], Field(min_length=1)]


@with_config(_STRICT)
class _OfStudy(TypedDict):
    worker_id: str
    study_id: Index


@with_config(_STRICT)
class _StudyUserAttribute(_OfStudy):
    user_attr: Attribute


@with_config(_STRICT)
class _StudySystemAttribute(_OfStudy):
    system_attr: Attribute


@with_config(_STRICT)
class _CreateTrial(_OfStudy):
    datetime_start: Moment | None
    datetime_complete: NotRequired[Moment]
    state: NotRequired[Code]
    value: NotRequired[float | None]
    values: NotRequired[list[float] | None]
    params: NotRequired[dict[str, float]]
    distributions: NotRequired[dict[str, Distribution]]
    user_attrs: NotRequired[dict[str, Any]]
    system_attrs: NotRequired[dict[str, Any]]
    intermediate_values: NotRequired[dict[Step, float]]


@with_config(_STRICT)
class _OfTrial(TypedDict):
    worker_id: str
    trial_id: Index


@with_config(_STRICT)
class _Parameter(_OfTrial):
    param_name: str
    param_value_internal: float
    distribution: Distribution


@with_config(_STRICT)
class _State(_OfTrial):
    state: Code
    values: list[float] | None
    datetime_start: NotRequired[Moment]
    datetime_complete: NotRequired[Moment]


@with_config(_STRICT)
class _IntermediateValue(_OfTrial):
    step: int
    intermediate_value: float


@with_config(_STRICT)
class _TrialUserAttribute(_OfTrial):
    user_attr: Attribute


@with_config(_STRICT)
class _TrialSystemAttribute(_OfTrial):
    system_attr: Attribute


_FIELDS: Mapping[object, TypeAdapter[Any]] = {
    JournalOperation.CREATE_STUDY: TypeAdapter(_CreateStudy),
    JournalOperation.DELETE_STUDY: TypeAdapter(_OfStudy),
    JournalOperation.SET_STUDY_USER_ATTR: TypeAdapter(_StudyUserAttribute),
    JournalOperation.SET_STUDY_SYSTEM_ATTR: TypeAdapter(_StudySystemAttribute),
    JournalOperation.CREATE_TRIAL: TypeAdapter(_CreateTrial),
    JournalOperation.SET_TRIAL_PARAM: TypeAdapter(_Parameter),
    JournalOperation.SET_TRIAL_STATE_VALUES: TypeAdapter(_State),
    JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE: TypeAdapter(_IntermediateValue),
    JournalOperation.SET_TRIAL_USER_ATTR: TypeAdapter(_TrialUserAttribute),
    JournalOperation.SET_TRIAL_SYSTEM_ATTR: TypeAdapter(_TrialSystemAttribute),
    # Optuna ignores this operation.
    JournalOperation.DISCARD_TRIALS: TypeAdapter(dict[str, Any]),
}
"""Required fields of each operation. Further fields are accepted, as by Optuna."""
_ENDS: Mapping[int, str] = {
    TrialState.RUNNING: "datetime_start",
    TrialState.COMPLETE: "datetime_complete",
    TrialState.PRUNED: "datetime_complete",
    TrialState.FAIL: "datetime_complete",
}
"""Time that a change to each state must have."""


def parsed(line: bytes) -> Operation:
    """Parses the operation on a line.

    Raises:
        ValueError: the line is not an operation; the text gives the reason.
    """
    try:
        return checked(json.loads(line.decode()))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        raise ValueError(f"is not JSON, but begins with {line[:20]!r}") from None


def checked(operation: object) -> Operation:
    """Returns an operation unchanged if it has the fields of its type; raises ValueError as `parsed` does."""
    if not isinstance(operation, dict):
        raise ValueError("is not an operation: not a mapping")
    code = operation.get("op_code")
    if type(code) is not int or code not in _FIELDS:
        raise ValueError(f"has the unknown operation {str(code)[:40]!r}")
    try:
        _FIELDS[code].validate_python(operation)
    except ValidationError as failure:
        first = failure.errors(include_url=False)[0]
        raise ValueError(f"is wrong at {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    _check_whole(code, operation)
    return operation


def _check_whole(code: int, operation: Operation) -> None:
    """Raises ValueError if the fields contradict each other."""
    if code == JournalOperation.SET_TRIAL_STATE_VALUES:
        moment = _ENDS.get(operation["state"])
        if moment is not None and moment not in operation:
            raise ValueError(f"lacks {moment}")
        if operation["state"] == TrialState.COMPLETE and not operation["values"]:
            raise ValueError("completes a trial without a value")
    if code == JournalOperation.SET_TRIAL_PARAM:
        _check_choice(operation["distribution"], operation["param_value_internal"])
    if code == JournalOperation.CREATE_TRIAL:
        for name, value in operation.get("params", {}).items():
            if name not in operation.get("distributions", {}):
                raise ValueError(f"lacks the distribution of {name}")
            _check_choice(operation["distributions"][name], value)


def _check_choice(distribution: str, value: float) -> None:
    known = distribution_of(distribution)
    if isinstance(known, CategoricalDistribution) and value not in range(len(known.choices)):
        raise ValueError(f"has the choice {value} of {len(known.choices)}")


class Sequel:
    """Counts of what the operations so far have created, against which the next operation is checked.

    Optuna numbers trials in the order of creation and ignores operations on missing trials: if the line that creates a
    trial is missing, every later trial would have a wrong number.
    """

    def __init__(self) -> None:
        """Starts with all counts at 0."""
        self.studies = self.trials = self.operations = 0

    def lacking(self, operation: Operation) -> str | None:
        """Returns a clause on the study or trial to which an operation refers without its creation; None if there is
        none.
        """
        if operation.get("study_id", -1) >= self.studies:
            return f"names study {operation['study_id']}, which no earlier line creates"
        if operation.get("trial_id", -1) >= self.trials:
            return f"names trial {operation['trial_id']}, which no earlier line creates"
        return None

    def add(self, operation: Operation) -> None:
        """Counts an operation."""
        self.operations += 1
        self.studies += operation["op_code"] == JournalOperation.CREATE_STUDY
        self.trials += operation["op_code"] == JournalOperation.CREATE_TRIAL
