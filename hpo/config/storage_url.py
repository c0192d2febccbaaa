"""The URL of a study's storage: which databases it may name, and how its password stays out of sight."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

from pydantic import AfterValidator

from segada.errors import InputError
from segada.settings.inputs import misnamed, resolved

VARIABLE = "HPO_STORAGE"
"""Environment variable with the URL of the database, the password included if it has one."""


DIALECTS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgresql+psycopg": "postgresql+psycopg"}
"""Databases that may be named, and what SQLAlchemy calls them with the driver that the extra `postgres` installs."""


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


def sqlite_file(place: str) -> Path | None:
    """The file of a SQLite database; None for a database on a server."""
    parts = urlsplit(place)
    return Path(parts.path[1:]) if parts.scheme == "sqlite" else None


def masked(text: str) -> str:
    """A text in which the password in HPO_STORAGE, if it has one, does not stand."""
    parts = urlsplit(os.environ.get(VARIABLE, ""))
    secrets = [parts.password, *(value for key, value in parse_qsl(parts.query) if key in SECRETS)]
    for secret in filter(None, secrets):
        for written in {secret, unquote(secret), quote(secret, safe="")}:
            text = text.replace(written, "***")
    return text
