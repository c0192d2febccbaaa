"""Storage of a study: a journal file in its run folder, SQLite, or PostgreSQL."""

import os
import weakref
from pathlib import Path
from urllib.parse import urlsplit

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal._storage import NOT_FOUND_MSG
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from hpo.config.storage_url import DIALECTS, VARIABLE, masked, place_of, sqlite_file
from hpo.study.file_lock import locked
from hpo.study.journal.file import JOURNAL, JOURNAL_LOCK, Journal, is_journal
from segada.core.storage_errors import StorageError, causes
from segada.errors import InputError
from segada.settings.inputs import check_regular

ENGINES: dict[str, dict[str, object]] = {
    # Seconds that a writer waits for another one.
    "sqlite": {"connect_args": {"timeout": 60}},
    # A connection that the server closed meanwhile is replaced.
    "postgresql": {"pool_pre_ping": True},
}
CURE = "name another folder with --out, or start again with --new, which moves this one aside"


def open_storage(place: str | None, out: Path) -> BaseStorage:
    """Opens the storage, creating it if it is missing.

    Args:
        place: database from `place_of`; a password comes from HPO_STORAGE or from libpq's own places.
        out: run folder, which holds the journal.

    Raises:
        InputError: the journal is not valid, or the database does not answer.
    """
    return _journal(out) if place is None else _database(place, is_new=True)


def read_storage(place: str | None, out: Path) -> BaseStorage:
    """Opens the storage without writing to it; arguments and errors as in `open_storage`."""
    if place is not None:
        return _database(place, is_new=False)
    path = out / JOURNAL
    check_regular(path)
    if not path.is_file():
        raise InputError(f"{out}: has no {JOURNAL}; name the folder of a study")
    _check_is_journal(path)
    return JournalStorage(Journal(path))


def lost(error: BaseException, named: str | None) -> StorageError | None:
    """Returns the loss of a database server that caused an error; None if it had another cause.

    Args:
        error: the error; its causes are checked too.
        named: database as in `place_of`.
    """
    place = place_of(named)
    if place is None or sqlite_file(place) is not None:
        return None
    for cause in causes(error):
        if isinstance(cause, OperationalError) or (isinstance(cause, DBAPIError) and cause.connection_invalidated):
            return StorageError(f"{place} is gone ({_said(cause)})")
    return None


def was_deleted(error: BaseException) -> bool:
    """Returns True if an error has the cause that another program deleted the study from its storage meanwhile."""
    return any(isinstance(cause, KeyError) and NOT_FOUND_MSG in str(cause) for cause in causes(error))


def _journal(out: Path) -> JournalStorage:
    path = out / JOURNAL
    check_regular(path)
    with locked(path.with_name(JOURNAL_LOCK)):
        if path.exists():
            _check_is_journal(path, f"; {CURE}")
    return JournalStorage(Journal(path))


def _check_is_journal(path: Path, cure: str = "") -> None:
    if not is_journal(path):
        raise InputError(f"{path}: cannot be read as a study's journal: no line of it is an operation{cure}")


def _database(place: str, *, is_new: bool) -> BaseStorage:
    url = _with_password(place)
    parts = urlsplit(url)
    path = sqlite_file(place)
    if not is_new and path is not None and not path.is_file():
        raise InputError(f"{place}: there is no such file")
    dialect = DIALECTS[parts.scheme]
    engine = dict(ENGINES[dialect.partition("+")[0]])
    try:
        storage = RDBStorage(dialect + url[len(parts.scheme) :], engine_kwargs=engine, skip_table_creation=not is_new)
        # Otherwise the pool's connections would be closed by the garbage collector, which warns.
        weakref.finalize(storage, storage.engine.dispose)
        storage.get_all_studies()
    except ImportError:
        raise InputError(f"{place}: needs the driver of this database: pip install 'segada[postgres]'") from None
    except (SQLAlchemyError, StorageInternalError, RuntimeError) as failure:
        raise InputError(f"{place}: cannot be used as a study's storage ({_said(failure)})") from None
    return get_storage(storage)


def _with_password(place: str) -> str:
    """Returns the URL to connect with."""
    given = os.environ.get(VARIABLE)
    return given if given and place_of(None) == place else place


def _said(failure: Exception) -> str:
    """Returns the first line of an error."""
    return masked(str(failure.__cause__ or failure).splitlines()[0])
