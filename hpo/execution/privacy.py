"""Protection of secrets from a local Ray: keys of other services, and Ray's own token."""

import atexit
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from hpo.config.storage_url import VARIABLE
from segada.errors import InputError

_TOKEN, _TOKEN_PATH = "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH"
"""Environment variables by which Ray finds a token elsewhere than in the home directory."""

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


def ensure_home() -> None:
    """Gives this process a temporary home directory if its user has none, as in containers with an unknown user.

    Call it before Ray is imported: Ray asks for the home directory at import.

    Raises:
        InputError: there is no temporary folder that can be written.
    """
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(_temporary_folder("home"))


def ensure_private_token() -> None:
    """Creates Ray's token file before Ray does, readable by its owner only from the beginning.

    An existing token is kept, and other users lose the permission to read it. Without a home directory that can be
    written, as in many containers, the token is in a private temporary folder until this process ends. Does nothing if
    Ray uses no token, or one from another place.

    Raises:
        InputError: there is no temporary folder that can be written either.
    """
    elsewhere = any(name in os.environ for name in (_TOKEN, _TOKEN_PATH))
    if elsewhere or os.environ.get("RAY_AUTH_MODE", "token").lower() != "token":
        return
    try:
        _ensure(default_token_path())
    except OSError:
        path = _temporary_folder("token") / "auth_token"
        _ensure(path)
        os.environ[_TOKEN_PATH] = str(path)


def _temporary_folder(purpose: str) -> Path:
    try:
        folder = tempfile.mkdtemp(prefix=f"ray-{purpose}-")
    except OSError as error:
        raise InputError(
            f"Ray's files can be kept neither in the home directory nor in a temporary folder ({error.strerror}); set "
            "HOME and TMPDIR to folders that can be written"
        ) from None
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


def _ensure(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not path.exists():
        _make(path)
    status = path.stat()
    if status.st_mode & 0o077 and status.st_uid == os.getuid():
        path.chmod(0o600)
    path.read_bytes()


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
