"""What Ray that is started here must not hand on: keys of other services, and its own token to other users."""

import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hpo.config.storage_url import VARIABLE
from segada.core.storage_errors import writing

WITHHELD = ("WANDB_API_KEY", "WANDB_IDENTITY_TOKEN_FILE", VARIABLE, "PGPASSWORD")
"""Variables that the main job alone needs. Ray's daemons and workers would show them to whoever may run a task."""


@contextmanager
def withheld() -> Iterator[None]:
    """While the context is open, processes that are started do not inherit the variables of WITHHELD."""
    kept = {name: os.environ.pop(name) for name in WITHHELD if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def ensure_private_token() -> None:
    """Makes the token that Ray would make itself, in the same file, but readable by its owner alone from the beginning.

    A token that is there is kept; if Ray has made it, others lose the right to read it. Does nothing where Ray uses no
    token, or one from elsewhere.

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
    """Where Ray looks for its token if no variable says otherwise."""
    return Path.home() / ".ray" / "auth_token"


def _make(path: Path) -> None:
    # Linked into its place whole: another main job may start Ray at this moment and read it.
    handle, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            path.hardlink_to(draft)
    finally:
        Path(draft).unlink()
