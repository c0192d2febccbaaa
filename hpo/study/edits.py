"""Changes that people make to the trials of a study, also while drivers run it."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from pydantic import JsonValue, ValidationError

from hpo.config.start_from import check_start
from hpo.config.study_file import StudyFile, load_written
from hpo.samplers.admitted import EXCLUDED, excluded_trials
from hpo.samplers.history import FIXED
from hpo.search_space import SpaceError
from hpo.search_space.given_points import accepted, whole_point
from hpo.search_space.parameter import Raw
from hpo.study.attributes import ORIGIN, RETRY_OF
from hpo.study.file_lock import take
from hpo.study.folder import LOCK, NEVER, unwritable
from hpo.study.opening import read_optuna_study
from hpo.study.origin import ADDED, RETRY, account, is_counted, is_retry, record_end
from segada.cli.interruption import program
from segada.errors import InputError
from segada.settings.nested import Value
from segada.settings.validation_errors import in_words


@dataclass(frozen=True)
class OpenStudy:
    """Study of a folder that no driver changes at the same time.

    Attributes:
        file: Study file in the folder.
        out: Run folder.
        optuna_study: Trials of the study.
        storage: Storage of the study.
    """

    file: StudyFile
    out: Path
    optuna_study: optuna.Study
    storage: BaseStorage

    def trial(self, number: int) -> FrozenTrial:
        """Returns a trial.

        Raises:
            InputError: there is none of this number.
        """
        trials = self.optuna_study.get_trials(deepcopy=False)
        if number not in range(len(trials)):
            has = f"its trials are 0 to {len(trials) - 1}" if trials else "it has none yet"
            raise InputError(f"{self.out}: has no trial {number}; {has}")
        return trials[number]


@contextmanager
def opened(out: Path) -> Iterator[OpenStudy]:
    """Opens the study of a folder for a change; drivers decide nothing while the context is open.

    Raises:
        InputError: the folder holds no study, or cannot be written.
    """
    file = load_written(out)
    # Checked before the lock, which would create a missing folder.
    read_optuna_study(file, out)
    try:
        lock = take(out / LOCK)
    except OSError as failure:
        if failure.errno not in NEVER:
            raise
        raise unwritable(out, failure) from None
    with lock:
        yield OpenStudy(file, out, *read_optuna_study(file, out))


def add(out: Path, values: Mapping[str, Value], source: str) -> list[str]:
    """Enqueues a point, which counts in the budget; parameters without a value have their default.

    Args:
        out: run folder of the study.
        values: values by path.
        source: option or file of the values, for errors.

    Returns:
        Sentences on the trial.

    Raises:
        InputError: the point is not of the space; nothing was enqueued then.
    """
    with opened(out) as study:
        point = _point(study.file, values, source)
        equal = [one.number for one in study.optuna_study.get_trials(deepcopy=False) if one.params == point]
        number = _enqueue(study, point, {ORIGIN: ADDED})
        said = [f"trial {number} waits: {study.file.space.configuration(point)}"]
        said += [f"note: trial {equal[0]} has the same configuration"] if equal else []
        return [*said, *_unreached(study)]


def retry(out: Path, number: int) -> list[str]:
    """Enqueues the point of a failed trial again, outside the budget.

    Raises:
        InputError: the trial did not fail, its point is not of the space, or a retry of it is not over yet.
    """
    with opened(out) as study:
        trial = study.trial(number)
        if trial.state != TrialState.FAIL:
            raise InputError(f"{out}: trial {number} is {_words(trial)}; only a failed trial is tried again")
        others = study.optuna_study.get_trials(deepcopy=False)
        left = [one for one in others if one.user_attrs.get(RETRY_OF) == number and not one.state.is_finished()]
        if left:
            raise InputError(f"{out}: trial {left[0].number} is a retry of trial {number} already, and is not over")
        try:
            point = whole_point(study.file.space, trial.params or trial.system_attrs.get(FIXED, {}))
        except ValueError as problem:
            raise InputError(f"{out}: trial {number} has no point that can be tried again: {problem}") from None
        again = _enqueue(study, point, {ORIGIN: RETRY.format(number=number), RETRY_OF: number})
        return [f"trial {again} waits: a retry of trial {number}, outside the budget", _next_step(study)]


def exclude(out: Path, number: int, reason: str) -> list[str]:
    """Excludes a trial: it is not the best, not confirmed, and samplers and pruners do not see it."""
    with opened(out) as study:
        study.trial(number)
        text = " ".join(reason.split()) or "by hand"
        study.optuna_study.set_user_attr(EXCLUDED.format(number=number), text)
        return [f"trial {number} is excluded: {text}", _next_step(study)]


def include(out: Path, number: int) -> list[str]:
    """Makes an excluded trial count again.

    Raises:
        InputError: it is not excluded.
    """
    with opened(out) as study:
        study.trial(number)
        if number not in excluded_trials(study.optuna_study.user_attrs):
            raise InputError(f"{out}: trial {number} is not excluded")
        study.optuna_study.set_user_attr(EXCLUDED.format(number=number), "")
        return [f"trial {number} counts again", _next_step(study)]


def stop(out: Path, number: int, reason: str) -> list[str]:
    """Closes a waiting or running trial as failed; its driver ends the run after the current visit.

    Raises:
        InputError: the trial is over.
    """
    with opened(out) as study:
        trial = study.trial(number)
        if trial.state.is_finished():
            raise InputError(f"{out}: trial {number} is {_words(trial)} already")
        if trial.state == TrialState.WAITING:
            study.storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
        text = " ".join(reason.split()) or "stopped by hand"
        record_end(study.optuna_study, number, TrialState.FAIL, reason=text)
        when = "" if trial.state == TrialState.WAITING else "; a driver that runs it stops after the current visit"
        return [f"trial {number} is closed as failed: {text}{when}"]


def _point(file: StudyFile, values: Mapping[str, Value], source: str) -> dict[str, Raw]:
    given: dict[str, JsonValue] = dict(values)
    try:
        check_start(file.space, [given])
        point = accepted(file.space, file.space.encode(file.space.completed(given)))
        if file.space.is_complete(point):
            file.run_settings(file.space.configuration(point))
    except SpaceError as problem:
        path = "".join(f" {part}" for part in problem.parts[2:])
        raise InputError(f"{source}{path}: {problem.problem}") from None
    except ValidationError as problem:
        raise InputError(f"{source}: cannot be run: {in_words(problem.errors()[0])}") from None
    except ValueError as problem:
        raise InputError(f"{source}: {problem}") from None
    return point


def _enqueue(study: OpenStudy, point: dict[str, Raw], attributes: dict[str, object]) -> int:
    trial = create_trial(state=TrialState.WAITING, system_attrs={FIXED: point}, user_attrs=attributes)
    trial_id = study.storage.create_new_trial(study.optuna_study._study_id, trial)
    return study.storage.get_trial(trial_id).number


def _unreached(study: OpenStudy) -> list[str]:
    """Returns what runs the waiting trials, and the budget that they need if it is spent before they begin."""
    trials = study.optuna_study.get_trials(deepcopy=False)
    needed, budget = sum(map(is_counted, trials)), study.file.settings.budget.trials
    if needed <= budget:
        return [_next_step(study)]
    waiting = sum(trial.state == TrialState.WAITING and not is_retry(trial) for trial in trials)
    text = f"the budget of {budget} trials suffices for {max(waiting + budget - needed, 0)} of {waiting} that wait"
    return [f"{text}; to run all: {_command(study)} --trials {needed}"]


def _next_step(study: OpenStudy) -> str:
    return f"drivers that run take it up; without one: {_command(study)}"


def _command(study: OpenStudy) -> str:
    return f"{program('hpo.run')} {shlex.join(['--space', str(study.out / 'study.yaml'), '--out', str(study.out)])}"


def _words(trial: FrozenTrial) -> str:
    reason = account(trial)
    return f"{trial.state.name.lower()}{f' ({reason})' if reason else ''}"
