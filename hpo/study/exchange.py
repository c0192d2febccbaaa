"""Export and import of a study's trials as a file with one JSON object per line."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial
from pydantic import JsonValue

from hpo.config.document import STUDY
from hpo.config.storage_url import place_of
from hpo.config.study_file import StudyFile, load_written
from hpo.samplers.history import OURS
from hpo.study.attributes import FOLDER, IDENTITY
from hpo.study.beginning import Beginning
from hpo.study.drivers import check_idle, joined
from hpo.study.folder import check_free
from hpo.study.journal.file import JOURNAL, DamagedJournal
from hpo.study.opening import check_same, open_optuna_study, read_optuna_study
from hpo.study.provenance import write_study
from hpo.study.salvage import account, salvaged
from hpo.study.trial_records import (
    DIRECTIONS,
    FORMAT,
    StudyRecord,
    TrialRecord,
    line_of,
    read_records,
    record_of,
    trial_of,
)
from segada.errors import InputError

PARENTS = ":parent:"
"""Part of the names of study attributes in which Optuna's genetic algorithms keep the ids of parents."""
_WORDS = {direction: word for word, direction in DIRECTIONS.items()}


def exported(out: Path) -> tuple[str, list[str]]:
    """Returns the trials of the study in a folder as lines of JSON, and sentences about what is lost.

    Nothing is written to the folder. A damaged journal yields everything that `hpo.study.salvage` would keep.

    Raises:
        InputError: there is no study, or none of it can be read.
    """
    file = load_written(out)
    notes: list[str] = []
    try:
        optuna_study, storage = read_optuna_study(file, out)
    except DamagedJournal:
        recovery = salvaged(out / JOURNAL, file)
        notes = account(recovery)
        storage = recovery.storage()
        optuna_study = optuna.load_study(study_name=file.settings.name, storage=storage)
    return "".join(map(line_of, _records(optuna_study, storage, file))), notes


def imported(source: Path, out: Path, file: StudyFile) -> tuple[int, int]:
    """Adds the trials of a file to a study; trials that the study already has are skipped.

    Args:
        source: file in the format of `exported`; the line of the study may be absent.
        out: folder of the study; created if it is missing.
        file: the study.

    Returns:
        Numbers of trials that were added and that already existed.

    Raises:
        InputError: the folder holds other files and no study; a line is invalid, or differs from the study's trial of
            this number. Then nothing is added.
    """
    study, records = read_records(source)
    trials = [_checked(source, line, record, file) for line, record in records]
    if study is not None:
        _check_study(source, study, file)
    file = file.kept_in(place_of(file.settings.storage))
    if not (out / STUDY).is_file():
        check_free(out)
    with joined(out) as driver, driver.exclusive():
        check_idle(out, driver.others())
        optuna_study, storage = open_optuna_study(file, out, Beginning, restores=True)
        there = optuna_study.get_trials(deepcopy=False)
        for (line, record), trial in zip(records, there, strict=False):
            if record_of(trial, file.space) != record:
                raise InputError(
                    f"{source}:{line}: the study in {out} has another trial {record.number}; import into a new one"
                )
        _add(optuna_study, storage, trials[len(there) :], study)
        if not (out / STUDY).exists():
            write_study(file, out)
    return max(len(trials) - len(there), 0), min(len(trials), len(there))


def _records(optuna_study: optuna.Study, storage: BaseStorage, file: StudyFile) -> Iterator[StudyRecord | TrialRecord]:
    trials = optuna_study.get_trials(deepcopy=False)
    numbers = {trial._trial_id: trial.number for trial in trials}
    attributes = storage.get_study_system_attrs(optuna_study._study_id)
    yield StudyRecord(
        study=optuna_study.study_name,
        format=FORMAT,
        directions=[_WORDS[direction] for direction in optuna_study.directions],
        user_attrs=optuna_study.user_attrs,
        system_attrs={key: value for key, value in _renumbered(attributes, numbers).items() if key != FOLDER},
    )
    yield from (record_of(trial, file.space) for trial in trials)


def _renumbered(attributes: Mapping[str, JsonValue], numbers: Mapping[int, int]) -> dict[str, JsonValue]:
    """Returns attributes of a study with its trials' numbers replaced."""
    return {
        key: [numbers[one] for one in value if isinstance(one, int) and one in numbers]
        if PARENTS in key and isinstance(value, list)
        else value
        for key, value in attributes.items()
    }


def _checked(source: Path, line: int, record: TrialRecord, file: StudyFile) -> FrozenTrial:
    try:
        return trial_of(record, file.space, len(file.settings.objectives))
    except ValueError as problem:
        raise InputError(f"{source}:{line}: {problem}") from None


def _check_study(source: Path, study: StudyRecord, file: StudyFile) -> None:
    kept = study.system_attrs.get(IDENTITY)
    if isinstance(kept, dict):
        check_same(f"{source}:1", study.study, kept, file.identity, "give its study file with --space")


def _add(
    optuna_study: optuna.Study, storage: BaseStorage, trials: Sequence[FrozenTrial], study: StudyRecord | None
) -> None:
    for trial in trials:
        storage.create_new_trial(optuna_study._study_id, trial)
    if study is None:
        return
    known = storage.get_study_user_attrs(optuna_study._study_id)
    for key, value in study.user_attrs.items():
        if key not in known:
            storage.set_study_user_attr(optuna_study._study_id, key, value)
    ids = {trial.number: trial._trial_id for trial in optuna_study.get_trials(deepcopy=False)}
    kept = storage.get_study_system_attrs(optuna_study._study_id)
    for key, value in _renumbered(study.system_attrs, ids).items():
        if not (key.startswith(OURS) and key in kept):
            storage.set_study_system_attr(optuna_study._study_id, key, value)
