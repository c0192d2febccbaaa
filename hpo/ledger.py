"""Where a study is kept: a journal file in its folder, or a database; and whether it is the one that was meant."""

import os
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection

from hpo.pruning import build_pruner
from hpo.study_file import StudyFile
from segada.settings.files import InputError
from segada.settings.trees import Tree, Value

JOURNAL = "study.journal"
IDENTITY = "identity"
"""User attribute of the study: what makes two study files the same study."""
CONTENTS = ("study.yaml", "results.csv", "trials", "best", "report.html")
"""What a study leaves beside its journal; a folder that has it without one is not taken over."""
DIRECTIONS = {"maximise": StudyDirection.MAXIMIZE, "minimise": StudyDirection.MINIMIZE}
LOCK_SECONDS = 10
"""Age from which a lock on the journal is that of a dead process: a write takes milliseconds."""


def open_ledger(file: StudyFile, out: Path, url: str | None) -> tuple[optuna.Study, BaseStorage]:
    """The Optuna study of a study file, new or continued.

    Raises:
        InputError: there is another study in this place. Nothing has been created or changed then.
    """
    place = str(out) if url is None else url
    storage = _journal(out) if url is None else get_storage(url)
    name = file.settings.name
    known = {summary.study_name for summary in optuna.get_all_study_summaries(storage, include_best_trial=False)}
    if url is None and known and name not in known:
        raise InputError(f"{place}: holds the study {sorted(known)[0]!r}, not {name!r}; {_CURE}")
    ledger = optuna.create_study(
        storage=storage,
        sampler=file.settings.sampler.build(file.space),
        pruner=build_pruner(file.settings.pruning),
        study_name=name,
        directions=[DIRECTIONS[objective.goal] for objective in file.settings.objectives],
        load_if_exists=True,
    )
    if IDENTITY in ledger.user_attrs:
        _check_same(place, name, ledger.user_attrs[IDENTITY], file.identity)
    else:
        _begin(ledger, file)
    return ledger, storage


def _journal(out: Path) -> JournalStorage:
    path = out / JOURNAL
    foreign = [entry for entry in CONTENTS if (out / entry).exists()]
    if foreign and not path.exists():
        raise InputError(f"{out}: holds {foreign[0]} but no {JOURNAL}, so it is no study that could go on; {_CURE}")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file, not a folder; {_CURE}")
    out.mkdir(parents=True, exist_ok=True)
    lock = JournalFileOpenLock(str(path), grace_period=LOCK_SECONDS)
    lock.acquire()
    try:
        _drop_torn_line(path)
    finally:
        lock.release()
    return JournalStorage(JournalFileBackend(str(path), lock))


def _drop_torn_line(path: Path) -> None:
    """Removes the half line that a driver leaves if it is killed while writing: nothing could be read behind it."""
    if not path.exists():
        return
    with path.open("rb+") as journal:
        end = journal.read().rfind(b"\n") + 1
        if end < journal.seek(0, os.SEEK_END):
            journal.truncate(end)


def _begin(ledger: optuna.Study, file: StudyFile) -> None:
    defaults = file.space.defaults()
    if defaults is not None and not ledger.get_trials(deepcopy=False):
        ledger.enqueue_trial(dict(defaults))
    ledger.set_user_attr(IDENTITY, file.identity)


def _check_same(place: str, name: str, kept: Tree, given: Tree) -> None:
    difference = _first_difference(kept, given, "")
    if difference:
        raise InputError(f"{place}: holds another study named {name!r}: {difference}; {_CURE}")


def _first_difference(kept: Value, given: Value, path: str) -> str:
    if isinstance(kept, dict) and isinstance(given, dict):
        for key in [*given, *(key for key in kept if key not in given)]:
            inner = f"{path}.{key}" if path else key
            if key not in kept or key not in given:
                return f"{inner} is in {'the file' if key in given else 'the folder'} alone"
            found = _first_difference(kept[key], given[key], inner)
            if found:
                return found
        return ""
    return "" if kept == given else f"{path} is {kept!r} there and {given!r} in the file"


_CURE = "name another folder with --out"
