"""Trials as lines of JSON, readable by users and importable into another study."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, Literal

from optuna.distributions import BaseDistribution, distribution_to_json
from optuna.study import StudyDirection
from optuna.study._constrained_optimization import _CONSTRAINTS_KEY
from optuna.trial import FrozenTrial, TrialState
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from hpo.search_space import Space
from hpo.search_space.given_points import accepted
from hpo.search_space.parameter import Raw
from hpo.study.journal.operations import Distribution, Moment, Step, distribution_of
from segada.errors import InputError
from segada.settings.inputs import check_regular
from segada.settings.nested import Value
from segada.settings.schema import nearest

FORMAT: Final = 1
"""Version of the line format, incremented when its meaning changes."""
State = Literal["complete", "pruned", "fail", "running", "waiting"]
STATES: Mapping[TrialState, State] = {
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "fail",
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
}
Direction = Literal["maximize", "minimize"]
DIRECTIONS: Mapping[Direction, StudyDirection] = {
    "maximize": StudyDirection.MAXIMIZE,
    "minimize": StudyDirection.MINIMIZE,
}


class StudyRecord(BaseModel):
    """First line of a file of trials: the study of the trials."""

    model_config = ConfigDict(extra="forbid", strict=True)

    format: Literal[1]
    study: str
    """Name of the study."""
    directions: list[Direction]
    """Directions of its objectives."""
    user_attrs: dict[str, JsonValue] = Field(default_factory=dict)
    system_attrs: dict[str, JsonValue] = Field(default_factory=dict)
    """Attributes of Optuna and of samplers; trials in them are identified by number."""


class TrialRecord(BaseModel):
    """Trial as a line of JSON."""

    model_config = ConfigDict(extra="forbid", strict=True)

    number: Annotated[int, Field(ge=0)]
    state: State
    params: dict[str, JsonValue] = Field(default_factory=dict)
    """Values of the active parameters, by path."""
    stored: dict[str, str | int | float | bool | None] | None = None
    """Stored values by dimension, if they differ from the encoding of `params`."""
    distributions: dict[str, Distribution] = Field(default_factory=dict)
    """Distributions, in Optuna's format, of stored dimensions that are missing or different in the space."""
    values: list[float] | None = None
    """Objective values."""
    intermediate_values: dict[Step, float] = Field(default_factory=dict)
    """Values of the single objective so far, by number of visits."""
    constraints: dict[str, float] = Field(default_factory=dict)
    """Violation of each constraint; at most 0 where it is satisfied."""
    user_attrs: dict[str, JsonValue] = Field(default_factory=dict)
    system_attrs: dict[str, JsonValue] = Field(default_factory=dict)
    datetime_start: Moment | None = None
    datetime_complete: Moment | None = None


def line_of(record: BaseModel) -> str:
    """Returns the line of a record; default values are omitted."""
    return json.dumps(record.model_dump(exclude_defaults=True)) + "\n"


def record_of(trial: FrozenTrial, space: Space) -> TrialRecord:
    """Returns a trial as a record."""
    prefix = f"{_CONSTRAINTS_KEY}:"
    values = _decoded(space, trial)
    own = space.distributions()
    foreign = {name: one for name, one in trial.distributions.items() if own.get(name) != one}
    is_plain = not foreign and _is_of(space, values) and space.encode(values) == trial.params
    return TrialRecord(
        number=trial.number,
        state=STATES[trial.state],
        params=values,
        stored=None if is_plain else dict(trial.params),
        distributions={name: distribution_to_json(one) for name, one in foreign.items()},
        values=trial.values,
        intermediate_values={str(step): value for step, value in trial.intermediate_values.items()},
        constraints=dict(trial.constraints),
        user_attrs=trial.user_attrs,
        system_attrs={key: value for key, value in trial.system_attrs.items() if not key.startswith(prefix)},
        datetime_start=_written(trial.datetime_start),
        datetime_complete=_written(trial.datetime_complete),
    )


def trial_of(record: TrialRecord, space: Space, objectives: int) -> FrozenTrial:
    """Builds the trial of a record, not yet part of a study.

    Raises:
        ValueError: it does not fit the space or the objectives; the text gives the reason.
    """
    if record.values is not None and len(record.values) != objectives:
        raise ValueError(f"has {len(record.values)} values, but the study has {objectives} objectives")
    if record.state == "complete" and record.values is None:
        raise ValueError("is complete, but has no values")
    params = _encoded(space, record.params) if record.stored is None else dict(record.stored)
    distributions = {
        **space.distributions(),
        **{name: distribution_of(one) for name, one in record.distributions.items()},
    }
    trial = FrozenTrial(
        number=record.number,
        trial_id=-1,
        state=TrialState[record.state.upper()],
        value=None,
        values=record.values,
        datetime_start=_local(record.datetime_start),
        datetime_complete=_local(record.datetime_complete),
        params=params,
        distributions={name: _of(name, value, distributions) for name, value in params.items()},
        user_attrs=record.user_attrs,
        system_attrs=dict(record.system_attrs),
        intermediate_values={int(step): value for step, value in record.intermediate_values.items()},
    )
    for limit, violation in record.constraints.items():
        trial.set_constraint(limit, violation)
    return trial


def read_records(path: Path) -> tuple[StudyRecord | None, list[tuple[int, TrialRecord]]]:
    """Reads the records of a file: of the study, if present, and of the trials, each with its line number.

    Raises:
        InputError: the path is not a regular file, a line is invalid, or trial numbers are not consecutive; the message
            names the line.
    """
    check_regular(path)
    study: StudyRecord | None = None
    trials: list[tuple[int, TrialRecord]] = []
    for number, line in _lines(path):
        try:
            tree = json.loads(line)
            if number == 1 and isinstance(tree, dict) and "study" in tree:
                study = StudyRecord.model_validate(tree)
                continue
            record = TrialRecord.model_validate(tree)
            if record.number != len(trials):
                raise ValueError(f"is trial {record.number} where trial {len(trials)} is expected")
        except ValidationError as failure:
            first = failure.errors(include_url=False)[0]
            place = ".".join(map(str, first["loc"]))
            raise InputError(f"{path}:{number}: {place}: {first['msg']}") from None
        except (ValueError, RecursionError) as problem:
            raise InputError(f"{path}:{number}: is not a trial: {problem}") from None
        trials.append((number, record))
    return study, trials


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    try:
        with path.open("rb") as file:
            yield from enumerate(file, start=1)
    except OSError as failure:
        raise InputError(f"{path}: cannot be read: {failure}") from None


def _decoded(space: Space, trial: FrozenTrial) -> dict[str, Value]:
    """Returns the parameters of a trial by path; none if another program gave it a point of another space."""
    try:
        accepted(space, trial.params)
    except ValueError:
        return {}
    return dict(space.configuration(trial.params).values)


def _is_of(space: Space, values: dict[str, Value]) -> bool:
    return all(space.parameters[path].refusal(value) is None for path, value in values.items())


def _encoded(space: Space, values: dict[str, JsonValue]) -> dict[str, Raw]:
    for path, value in values.items():
        if path not in space.parameters:
            raise ValueError(f"{path} is not a parameter of this space; {nearest(path, space.parameters)}")
        refusal = space.parameters[path].refusal(value)
        if refusal is not None:
            raise ValueError(f"{path} {refusal}")
    raw = space.encode(values)
    idle = [path for path in values if path not in space.configuration(raw).values]
    if idle:
        raise ValueError(f"{idle[0]} has no effect here: the conditions of this parameter do not hold")
    return raw


def _of(name: str, value: Raw, distributions: dict[str, BaseDistribution]) -> BaseDistribution:
    if name not in distributions:
        raise ValueError(f"{name} is not a dimension of this space; {nearest(name, distributions)}")
    # Refuses values that are not a choice, or not a number.
    distributions[name].to_internal_repr(value)
    return distributions[name]


def _written(moment: datetime | None) -> str | None:
    """Converts Optuna's local time without zone to UTC text."""
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="microseconds")


def _local(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text).astimezone().replace(tzinfo=None)
