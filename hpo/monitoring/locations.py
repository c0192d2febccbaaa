"""Finds the studies of a folder or of a database, to look at without changing anything."""

from pathlib import Path

import optuna
from optuna.storages import BaseStorage

from hpo.config.document import STUDY
from hpo.config.storage_url import place_of
from hpo.monitoring.status import StudyLocation
from hpo.study.attributes import FOLDER, FOLDER_ID, system_attributes
from hpo.study.journal.file import JOURNAL
from hpo.study.storage import read_storage
from segada.artifacts.run_files import read
from segada.cli.interruption import program
from segada.errors import InputError
from segada.settings.files import read_value
from segada.settings.inputs import resolved


def places(named: str, study: str | None = None) -> list[StudyLocation]:
    """The studies of a folder or a database.

    Args:
        named: the folder, or the URL of the database.
        study: the only one that is wanted; None for all.

    Raises:
        InputError: there is no study, or none of this name.
    """
    is_url = "://" in named
    out = None if is_url else resolved(Path(named), "OUT")
    if out is not None and not out.is_dir():
        raise InputError(f"{named}: there is no such folder; name the folder of a study, or the URL of a database")
    place = place_of(named) if is_url else None
    shown = place or str(out)
    storage = read_storage(place, Path()) if out is None else _storage_of(out)
    found = [summary.study_name for summary in storage.get_all_studies()]
    wanted = _name_in(out) if out is not None and study is None else study
    if wanted is not None and wanted not in found:
        raise InputError(f"{shown}: holds no study {wanted!r}, but {', '.join(sorted(found)) or 'none at all'}")
    optuna_studies = [optuna.load_study(study_name=name, storage=storage) for name in found if wanted in (None, name)]
    if not optuna_studies:
        raise InputError(f"{shown}: holds no study")
    return [StudyLocation(optuna_study, out or _folder_of(optuna_study), shown) for optuna_study in optuna_studies]


def _storage_of(out: Path) -> BaseStorage:
    """The folder's journal, or the database that its study.yaml names."""
    if (out / JOURNAL).is_file():
        return read_storage(None, out)
    place = _study_yaml(out).get("storage")
    if place is None:
        raise InputError(f"{out}: holds no study; name the folder of one, as in {program('hpo.status')} runs/ga_dacs")
    return read_storage(place_of(str(place)), out)


def _name_in(out: Path) -> str | None:
    name = _study_yaml(out).get("name")
    return None if name is None else str(name)


def _study_yaml(out: Path) -> dict[str, object]:
    """Empty if it is damaged: the study may be found without it, and what is wrong with it is said then."""
    nothing: object = {}
    tree = read(out / STUDY, lambda content: read_value(content.decode("utf-8"), STUDY), nothing).value
    return tree if isinstance(tree, dict) else {}


def _folder_of(optuna_study: optuna.Study) -> Path | None:
    """The folder of the results of a study in a database, if it can be seen from here."""
    kept = system_attributes(optuna_study).get(FOLDER)
    if not isinstance(kept, dict):
        return None
    folder = Path(str(kept["path"]))
    path = folder / FOLDER_ID
    return folder if path.is_file() and path.read_text(encoding="utf-8") == kept["id"] else None
