"""List of a study's trials for people and programs: state, values, origin and reason of each."""

import math
from collections.abc import Iterator
from pathlib import Path

from hpo.config.study_file import load_written
from hpo.study.origin import account, origin_of
from hpo.study.study import read_study
from hpo.study.trial_records import STATES
from segada.records import Record
from segada.settings.nested import Value


class ListedTrial(Record):
    """Trial as `hpo trial list` shows it."""

    number: int
    state: str
    """State of the trial: complete, pruned, fail, running or waiting."""
    values: list[float | None]
    """Objective values; empty unless complete, and null for one that is not finite."""
    origin: str
    """Origin of the point, as in `hpo.study.origin`."""
    reason: str
    """Why the trial ended early; empty if it did not."""
    left_out: str
    """Why the trial does not count as a result; empty if it counts."""
    parameters: dict[str, Value]
    """Values by path; of a waiting trial those that are known."""


def listed(out: Path) -> Iterator[ListedTrial]:
    """Yields the trials of the study in a folder; writes nothing.

    Raises:
        InputError: the folder holds no study.
    """
    file = load_written(out)
    study = read_study(file, out)
    admitted = study.admitted()
    for trial in study.optuna_study.get_trials(deepcopy=False):
        state = STATES[trial.state]
        yield ListedTrial(
            number=trial.number,
            state=state,
            values=[_finite(value) for value in trial.values or ()] if state == "complete" else [],
            origin=origin_of(trial),
            reason=account(trial),
            left_out=admitted.left_out(trial),
            parameters={path: _plain(value) for path, value in study.parameters(trial).items()},
        )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _plain(value: Value) -> Value:
    """Returns a value that is JSON: text for a number that is not finite."""
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
