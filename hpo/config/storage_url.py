"""URLs of study storages: the supported databases, and removal of passwords from what is shown or written."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from pydantic import AfterValidator

from segada.errors import InputError
from segada.settings.inputs import misnamed, resolved

VARIABLE = "HPO_STORAGE"
"""Environment variable with the URL of the database, including the password if it has one."""


DIALECTS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}
"""Supported databases and their SQLAlchemy dialects, with the driver that the extra `postgres` installs."""


SECRETS = ("password", "sslpassword")


def _admitted(url: str) -> str:
    # Both lines raise a ValueError of their own: for unpaired brackets, and for an invalid port.
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
    """Returns the URL without its password, as it may be shown and written."""
    parts = urlsplit(url)
    login, at, host = parts.netloc.rpartition("@")
    pairs = parse_qsl(parts.query, keep_blank_values=True)
    query = parts.query
    if any(key in SECRETS for key, _ in pairs):
        query = urlencode([(key, value) for key, value in pairs if key not in SECRETS])
    # urlunsplit would turn sqlite:///FILE into sqlite:/FILE.
    shown = urlunsplit(("", "", parts.path, query, parts.fragment))
    return f"{parts.scheme}://{login.partition(':')[0]}{at}{host}{shown}"


def place_of(named: str | None) -> str | None:
    """Returns the database of a study, without a password and with an absolute path; None for a journal.

    Args:
        named: URL from the study file or the command line; None uses HPO_STORAGE.

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
        # The message omits the URL, which may contain a password.
        raise InputError(f"{'the URL of the database' if named else VARIABLE} {problem}") from None
    path = sqlite_file(shown)
    # The path becomes absolute: later readers may have another current folder.
    return shown if path is None else f"sqlite:///{resolved(path, shown)}"


def sqlite_file(place: str) -> Path | None:
    """Returns the file of a SQLite database; None for a database on a server."""
    parts = urlsplit(place)
    return Path(parts.path[1:]) if parts.scheme == "sqlite" else None


def masked(text: str) -> str:
    """Replaces the password of HPO_STORAGE, if it has one, by `***` in a text."""
    parts = urlsplit(os.environ.get(VARIABLE, ""))
    secrets = [parts.password, *(value for key, value in parse_qsl(parts.query) if key in SECRETS)]
    for secret in filter(None, secrets):
        for written in {secret, unquote(secret), quote(secret, safe="")}:
            text = text.replace(written, "***")
    return text
