"""Where a study is kept: a journal file in the folder of its results, SQLite, or PostgreSQL."""

import os
import weakref
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from optuna.exceptions import StorageInternalError
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, get_storage
from pydantic import AfterValidator
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from hpo.study.file_lock import locked
from hpo.study.journal.file import JOURNAL, JOURNAL_LOCK, Journal, is_journal
from segada.core.storage_errors import StorageError, causes
from segada.settings.files import InputError, check_regular
from segada.settings.inputs import misnamed, resolved

VARIABLE = "HPO_STORAGE"
"""Environment variable with the URL of the database, the password included if it has one."""
DIALECTS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}
"""Databases that may be named, and what SQLAlchemy calls them with the driver that the extra `postgres` installs."""
ENGINES: dict[str, dict[str, object]] = {
    # Seconds that a writer waits for another one.
    "sqlite": {"connect_args": {"timeout": 60}},
    # A server that was away for a while is met again.
    "postgresql": {"pool_pre_ping": True},
}
CURE = "name another folder with --out, or begin anew with --new, which moves this one aside"
SECRETS = ("password", "sslpassword")


def _admitted(url: str) -> str:
    # Raises a ValueError of its own where brackets are unpaired, and so does what is no port.
    parts = urlsplit(url)
    has_port = parts.port is not None
    if parts.scheme not in DIALECTS:
        raise ValueError("must begin with sqlite:/// or postgresql://; leave it out for a journal in the folder")
    if parts.scheme == "sqlite" and (parts.netloc or has_port or len(parts.path) < 2):
        raise ValueError("names no file; write sqlite:///studies.db, or sqlite:////home/me/studies.db")
    problem = misnamed(parts.path)
    if problem is not None:
        raise ValueError(problem)
    if without_password(url) != url:
        raise ValueError(
            f"has a password, which study.yaml and the list of processes would show; give the URL in {VARIABLE}, or "
            "the password alone in PGPASSWORD or ~/.pgpass"
        )
    return url


StorageUrl = Annotated[str, AfterValidator(_admitted)]
"""`sqlite:///FILE` or `postgresql://USER@HOST:PORT/NAME`, without a password."""


def without_password(url: str) -> str:
    """The URL as it may be shown and written."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = parts.query
    if any(key in SECRETS for key, _ in pairs):
        query = urlencode([(key, value) for key, value in pairs if key not in SECRETS])
    # urlunsplit would make sqlite:/FILE of sqlite:///FILE.
    shown = urlunsplit(("", "", parts.path, query, parts.fragment))
    return f"{parts.scheme}://{login.partition(':')[0]}{at}{host}{shown}"


def place_of(named: str | None) -> str | None:
    """The database of a study, as it may be shown and as any folder sees it; None for a journal.

    Args:
        named: by the study file or the command line; where they name none, HPO_STORAGE does.

    Raises:
        InputError: HPO_STORAGE is no URL of a database.
    """
    url = named or os.environ.get(VARIABLE) or None
    if url is None:
        return None
    try:
        shown = without_password(url)
        _admitted(shown)
    except ValueError as problem:
        # Not the URL itself, which may have a password.
        raise InputError(f"{'the URL of the database' if named else VARIABLE} {problem}") from None
    path = sqlite_file(shown)
    # Seen from here; whoever reads it later may stand elsewhere.
    return shown if path is None else f"sqlite:///{resolved(path, shown)}"


def open_storage(place: str | None, out: Path) -> BaseStorage:
    """The storage, made if it is missing.

    Args:
        place: as `place_of` gives it; its password, if it needs one, stands in HPO_STORAGE or where libpq looks.
        out: the folder of the results, which holds the journal.

    Raises:
        InputError: the journal is none, or the database does not answer.
    """
    return _journal(out) if place is None else _database(place, is_new=True)


def read_storage(place: str | None, out: Path) -> BaseStorage:
    """The storage, without a byte written there; `place` and errors as of `open_storage`."""
    if place is not None:
        return _database(place, is_new=False)
    path = out / JOURNAL
    check_regular(path)
    if not path.is_file():
        raise InputError(f"{out}: has no {JOURNAL}; name the folder of a study")
    _check_is_journal(path)
    return JournalStorage(Journal(path))


def sqlite_file(place: str) -> Path | None:
    """The file of a SQLite database; None for a database on a server."""
    parts = urlsplit(place)
    return Path(parts.path[1:]) if parts.scheme == "sqlite" else None


def lost(error: BaseException, named: str | None) -> StorageError | None:
    """The loss of a database server behind an error; None if there is none.

    Args:
        error: the error; what it was raised from is looked at too.
        named: the database, as of `place_of`.
    """
    place = place_of(named)
    if place is None or sqlite_file(place) is not None:
        return None
    for cause in causes(error):
        if isinstance(cause, OperationalError) or (isinstance(cause, DBAPIError) and cause.connection_invalidated):
            return StorageError(f"{place} is gone ({_said(cause)})")
    return None


def masked(text: str) -> str:
    """A text in which the password in HPO_STORAGE, if it has one, does not stand."""
    parts = urlsplit(os.environ.get(VARIABLE, ""))
    secrets = [parts.password, *(value for key, value in parse_qsl(parts.query) if key in SECRETS)]
    for secret in filter(None, secrets):
        for written in {secret, unquote(secret), quote(secret, safe="")}:
            text = text.replace(written, "***")
    return text


def _journal(out: Path) -> JournalStorage:
    path = out / JOURNAL
    check_regular(path)
    with locked(path.with_name(JOURNAL_LOCK)):
        if path.exists():
            _check_is_journal(path, f"; {CURE}")
    return JournalStorage(Journal(path))


def _check_is_journal(path: Path, cure: str = "") -> None:
    if not is_journal(path):
        raise InputError(f"{path}: cannot be read as a study's journal: no line of it is one{cure}")


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
        # Connections of a pool would otherwise be left to the garbage collector, which complains.
        weakref.finalize(storage, storage.engine.dispose)
        storage.get_all_studies()
    except ImportError:
        raise InputError(f"{place}: needs the driver of this database: pip install 'segada[postgres]'") from None
    except (SQLAlchemyError, StorageInternalError, RuntimeError) as failure:
        raise InputError(f"{place}: cannot be used as a study's storage ({_said(failure)})") from None
    return get_storage(storage)


def _with_password(place: str) -> str:
    """The URL to connect with."""
    given = os.environ.get(VARIABLE)
    return given if given and place_of(None) == place else place


def _said(failure: Exception) -> str:
    """The first line of an error."""
    return masked(str(failure.__cause__ or failure).splitlines()[0])
