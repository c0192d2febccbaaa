"""Opening of the Optuna study of a study file: check of its identity, and first points."""

import shlex
import warnings
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import optuna
from optuna.distributions import check_distribution_compatibility
from optuna.exceptions import ExperimentalWarning
from optuna.storages import BaseStorage

from hpo.config.document import STUDY
from hpo.config.storage_url import place_of, sqlite_file
from hpo.config.study_file import StudyFile
from hpo.pruners.settings import build_pruner
from hpo.study.attributes import FOLDER, FOLDER_ID, IDENTITY
from hpo.study.beginning import Beginning, begin
from hpo.study.journal.file import JOURNAL, is_empty
from hpo.study.storage import CURE, open_storage, read_storage
from hpo.study.trial_records import DIRECTIONS
from segada.cli.interruption import program
from segada.core.atomic_io import write_text
from segada.errors import InputError
from segada.settings.files import read_yaml
from segada.settings.named_kinds import portable
from segada.settings.nested import Tree, Value

FORMER_IDENTITY = "identity"
"""User attribute of a study that an earlier version began: its identity."""
CONTENTS = (STUDY, "results.csv", "trials", "best", "report.html")
"""Entries that a study writes beside its storage; a folder that has them without a storage is refused."""


def open_optuna_study(
    file: StudyFile, out: Path, first: Callable[[], Beginning], *, restores: bool = False
) -> tuple[optuna.Study, BaseStorage]:
    """Creates or continues the Optuna study of a study file.

    Args:
        file: study file, which may name the database of the study.
        out: run folder; a study has one folder, which its drivers share.
        first: returns a new study's first trials; not called for an existing study.
        restores: True to accept a folder with results but without a study, because its trials are being restored.

    Raises:
        InputError: the folder or database holds another study. Nothing was created or changed then.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    place, name = place_of(file.settings.storage), file.settings.name
    _check_place(place, out, restores=restores)
    storage = open_storage(place, out)
    known = {study.study_name for study in storage.get_all_studies()}
    kept = None
    if name in known:
        # The study is only read until its identity is checked: creating a study writes to the journal.
        study_id = storage.get_study_id_from_name(name)
        attributes = storage.get_study_system_attrs(study_id)
        kept = attributes.get(IDENTITY, storage.get_study_user_attrs(study_id).get(FORMER_IDENTITY))
        if kept is not None:
            _check_folder(place, name, out, attributes.get(FOLDER))
            check_same(place or str(out), name, kept, file.identity)
    elif known and place is None:
        raise InputError(f"{out}: holds the study {min(known)!r}, not {name!r}; {CURE}")
    if kept is None and not restores:
        # The study may have been deleted from its storage, or begun anew there by another program.
        _check_empty(out, f"no study {name!r} that was begun there in {place or JOURNAL}")
    beginning = first() if kept is None else Beginning()
    optuna_study = optuna.create_study(
        storage=storage,
        sampler=file.settings.sampler.build(file.space, file.settings.budget.trials),
        pruner=build_pruner(file.settings.pruning, out / "trials"),
        study_name=name,
        directions=[DIRECTIONS[objective.goal] for objective in file.settings.objectives],
        load_if_exists=True,
    )
    _check_distributions(optuna_study, file, place or str(out))
    if IDENTITY not in storage.get_study_system_attrs(optuna_study._study_id):
        _begin(optuna_study, file, beginning, None if place is None else out)
    if optuna_study.metric_names is None:
        with warnings.catch_warnings():
            # Optuna may rename it; the tests of what optuna-dashboard shows would tell.
            warnings.simplefilter("ignore", ExperimentalWarning)
            optuna_study.set_metric_names([portable(objective.metric) for objective in file.settings.objectives])
    return optuna_study, storage


def read_optuna_study(file: StudyFile, out: Path) -> tuple[optuna.Study, BaseStorage]:
    """Reads the Optuna study in a folder without writing to it.

    Args:
        file: study file in the folder, which names the storage.
        out: run folder.

    Raises:
        InputError: the storage cannot be read, or holds another study.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # HPO_STORAGE names the storage of this process's own study, which may be a different one.
    place, name = file.settings.storage and place_of(file.settings.storage), file.settings.name
    storage = read_storage(place, out)
    try:
        return optuna.load_study(study_name=name, storage=storage), storage
    except KeyError:
        raise InputError(f"{place or out / JOURNAL}: holds no study {name!r}") from None


def check_begun(file: StudyFile, out: Path) -> None:
    """Raises InputError if there is no study of this name to resume."""
    place = place_of(file.settings.storage)
    if (out / JOURNAL).is_file() if place is None else _is_in(place, file.settings.name):
        return
    raise InputError(f"{place or out}: holds no study {file.settings.name!r} to resume; leave out --resume")


def check_unnamed(file: StudyFile) -> None:
    """Raises InputError if a database has a study of this name, which cannot be moved aside."""
    place, name = place_of(file.settings.storage), file.settings.name
    if place is not None and _is_in(place, name):
        raise InputError(
            f"{place}: holds a study named {name!r}, which --new leaves alone; give this one another name, or remove "
            f"that one: optuna delete-study --study-name {name} --storage {place}"
        )


def _is_in(place: str, name: str) -> bool:
    path = sqlite_file(place)
    if path is not None and not path.exists():
        return False
    return name in {study.study_name for study in open_storage(place, Path()).get_all_studies()}


def _check_place(place: str | None, out: Path, *, restores: bool) -> None:
    """Refuses a folder whose study has another storage, or which does not belong to a study."""
    if out.exists() and not out.is_dir():
        raise InputError(f"{out}: is a file, not a folder; {CURE}")
    has_journal = (out / JOURNAL).exists()
    if has_journal and place is not None:
        raise InputError(f"{out}: holds {JOURNAL}, in which its study is kept, and not in {place}; {CURE}")
    # An empty journal, as left by a power cut, holds no study: a new study would reuse the folders of its trials.
    if has_journal and not is_empty(out / JOURNAL):
        return
    if (out / STUDY).is_file():
        kept = _storage_in(out / STUDY)
        if kept is not None and kept != place:
            cure = f"give --storage {kept}; if the database has moved, change storage in {out / 'study.yaml'}"
            raise InputError(f"{out}: its study is kept in {kept}, not in {place or JOURNAL}; {cure}")
    if place is None and not restores:
        _check_empty(out, f"nothing in {JOURNAL}" if has_journal else f"no {JOURNAL}")


def _storage_in(path: Path) -> Value:
    """Returns the storage named in a written study file; None if it cannot be read, since it will be rewritten."""
    try:
        return read_yaml(path).tree.get("storage")
    except InputError:
        return None


def _check_empty(out: Path, lacking: str) -> None:
    foreign = [entry for entry in CONTENTS if (out / entry).exists()]
    if foreign:
        raise InputError(
            f"{out}: holds {foreign[0]} but {lacking}, so it is not a study that can be resumed; {CURE}; trials that "
            f"were exported come back by: {program('hpo.trial')} import {shlex.quote(str(out))} FILE"
        )


def _check_folder(place: str | None, name: str, out: Path, folder: dict[str, str] | None) -> None:
    if folder is None:
        return
    path = out / FOLDER_ID
    if not path.is_file() or path.read_text(encoding="utf-8") != folder["id"]:
        raise InputError(
            f"{place}: holds a study named {name!r} whose results are in another folder ({folder['path']}); name that "
            "with --out, or give this study another name"
        )


def _begin(optuna_study: optuna.Study, file: StudyFile, beginning: Beginning, folder: Path | None) -> None:
    if folder is not None:
        path = folder / FOLDER_ID
        if not path.exists():
            write_text(path, uuid4().hex)
        kept = {"id": path.read_text(encoding="utf-8"), "path": str(folder)}
        optuna_study._storage.set_study_system_attr(optuna_study._study_id, FOLDER, kept)
    begin(optuna_study, beginning)
    optuna_study._storage.set_study_system_attr(optuna_study._study_id, IDENTITY, file.identity)


def _check_distributions(optuna_study: optuna.Study, file: StudyFile, place: str) -> None:
    """Refuses a study whose first trials, added by another program, forbid the distributions of the space.

    Optuna lets the first trial that has a parameter decide its type, scale and choices for all later trials.
    """
    left = file.space.distributions()
    for trial in optuna_study.get_trials(deepcopy=False):
        for name in left.keys() & trial.distributions.keys():
            own = left.pop(name)
            try:
                check_distribution_compatibility(trial.distributions[name], own)
            except ValueError:
                raise InputError(
                    f"{place}: trial {trial.number}, which another program added before any other, stores {name} with "
                    f"another distribution, and Optuna then accepts no other; {CURE}"
                ) from None
        if not left:
            return


def check_same(place: str, name: str, kept: Tree, given: Tree, cure: str = CURE) -> None:
    """Raises InputError with the first difference between two `StudyFile.identity`, and the cure."""
    difference = first_difference(kept, given, "")
    if difference:
        raise InputError(f"{place}: holds another study named {name!r}: {difference}; {cure}")


def first_difference(kept: Value, given: Value, path: str) -> str:
    """Returns the first difference between two sections of study files, in a clause; empty if there is none."""
    if isinstance(kept, dict) and isinstance(given, dict):
        for key in [*given, *(key for key in kept if key not in given)]:
            inner = f"{path}.{key}" if path else key
            if key not in kept or key not in given:
                return f"{inner} is in {'the file' if key in given else 'the folder'} alone"
            found = first_difference(kept[key], given[key], inner)
            if found:
                return found
        return ""
    return "" if kept == given else f"{path} is {kept!r} there and {given!r} in the file"
