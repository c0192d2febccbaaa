"""Protection of secrets from a local Ray: keys of other services, and Ray's own token."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hpo.config.storage_url import VARIABLE
from segada.core.storage_errors import writing

WITHHELD = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", VARIABLE, "PGPASSWORD")
"""Environment variables that only the driver needs. Ray's daemons and workers would expose them to every task."""


@contextmanager
def withheld() -> Iterator[None]:
    """Removes the variables of WITHHELD from the environment of processes started while the context is open."""
    kept = {name: os.environ.pop(name) for name in WITHHELD if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def ensure_private_token() -> None:
    """Creates Ray's token file before Ray does, readable by its owner only from the beginning.

    An existing token is kept, and other users lose the permission to read it. Does nothing if Ray uses no token, or
    one from another place.

    Raises:
        StorageError: the file cannot be written.
    """
    elsewhere = any(name in os.environ for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"))
    if elsewhere or os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        return
    path = default_token_path()
    with writing(path):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make(path)
        status = path.stat()
        if status.st_mode & 0o077 and status.st_uid == os.getuid():
            path.chmod(0o600)


def default_token_path() -> Path:
    """Returns the path of Ray's token if no environment variable names another."""
    return Path.home() / ".ray" / "auth_token"


def _make(path: Path) -> None:
    # The complete file is linked into place: another driver may start Ray at this moment and read it.
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        Path(draft).unlink()
