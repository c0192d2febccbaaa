"""Where a study is kept: a journal file in its folder, or a database; and whether it is the one that was meant."""

from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, JournalStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.storages.journal._file import LOCK_FILE_SUFFIX
from optuna.study import StudyDirection

from hpo.parameters.base import Raw
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


def open_ledger(
    file: StudyFile, out: Path, url: str | None, first: Callable[[], Sequence[dict[str, Raw]]]
) -> tuple[optuna.Study, BaseStorage]:
    """The Optuna study of a study file, new or continued.

    Args:
        file: the study file.
        out: the folder of the results.
        url: of a database that keeps the study instead.
        first: gives the stored values that a new study begins with; not asked for one that is continued.

    Raises:
        InputError: there is another study in this place. Nothing has been created or changed then.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    place = str(out) if url is None else url
    name = file.settings.name
    storage = _journal(out) if url is None else get_storage(url)
    known = {study.study_name for study in storage.get_all_studies()}
    kept = None
    if name in known:
        # Only looked at until it is known to be the same: opening a study to create it writes into the journal.
        kept = optuna.load_study(study_name=name, storage=storage).user_attrs.get(IDENTITY)
        if kept is not None:
            _check_same(place, name, kept, file.identity)
    elif known and url is None:
        raise InputError(f"{place}: holds the study {min(known)!r}, not {name!r}; {_CURE}")
    points = first() if kept is None else []
    ledger = optuna.create_study(
        storage=storage,
        sampler=file.settings.sampler.build(file.space, file.settings.budget.trials),
        pruner=build_pruner(file.settings.pruning, out / "trials"),
        study_name=name,
        directions=[DIRECTIONS[objective.goal] for objective in file.settings.objectives],
        load_if_exists=True,
    )
    if IDENTITY not in ledger.user_attrs:
        _begin(ledger, file, points)
    return ledger, storage


def read_ledger(file: StudyFile, out: Path) -> tuple[optuna.Study, BaseStorage]:
    """The Optuna study in a folder, without a byte written there.

    Raises:
        InputError: its journal is none, or holds another study.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    path, name = out / JOURNAL, file.settings.name
    try:
        storage = JournalStorage(JournalFileBackend(str(path), JournalFileOpenLock(str(path))))
        return optuna.load_study(study_name=name, storage=storage), storage
    except (ValueError, KeyError) as failure:
        raise InputError(f"{path}: cannot be read as the journal of the study {name!r} ({failure!r})") from None


def _journal(out: Path) -> JournalStorage:
    path = out / JOURNAL
    foreign = [entry for entry in CONTENTS if (out / entry).exists()]
    if foreign and not path.exists():
        raise InputError(f"{out}: holds {foreign[0]} but no {JOURNAL}, so it is no study that could go on; {_CURE}")
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file, not a folder; {_CURE}")
    out.mkdir(parents=True, exist_ok=True)
    # The folder is claimed by one driver at a time, so a lock that is there was left by one that was killed.
    path.with_name(f"{JOURNAL}{LOCK_FILE_SUFFIX}").unlink(missing_ok=True)
    lock = JournalFileOpenLock(str(path), grace_period=LOCK_SECONDS)
    lock.acquire()
    try:
        _mend(path)
        return JournalStorage(JournalFileBackend(str(path), lock))
    except (ValueError, KeyError) as failure:
        raise InputError(f"{path}: cannot be read as a study's journal ({failure!r}); {_CURE}") from None
    finally:
        lock.release()


def _mend(path: Path) -> None:
    """Removes the half line that a driver leaves if it is killed while writing: nothing could be read behind it.

    Raises:
        ValueError: a line is not of a journal; Optuna would overlook that in the last until more lines follow.
    """
    if not path.exists():
        return
    with path.open("rb+") as journal:
        *lines, torn = journal.read().split(b"\n")
        for line in [*lines[:1], *lines[-1:], torn]:
            if not line.startswith(_LINE_START[: len(line)]):
                raise ValueError(f"a line begins with {line[:20]!r}")
        if torn:
            journal.truncate(journal.tell() - len(torn))


def _begin(ledger: optuna.Study, file: StudyFile, points: Sequence[dict[str, Raw]]) -> None:
    if not ledger.get_trials(deepcopy=False):
        for point in points:
            ledger.enqueue_trial(point)
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


_LINE_START = b'{"op_code":'
_CURE = "name another folder with --out"
