"""The file of a run's state: a line with the checksum of what follows, then what torch writes."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from segada.core.atomic_io import write_bytes

_BEGIN = b"segada checkpoint, sha256 "


class Damaged(Exception):
    """A file is not what was written; the text says what is wrong with it."""


def write_state(state: dict[str, Any], newest: Path, former: Path) -> None:
    """Writes the state and keeps the one before it.

    Args:
        state: As torch's: tensors, numbers, strings, and lists and dicts of them.
        newest: Where the state goes.
        former: Where the state goes that `newest` held until now.

    Raises:
        StorageError: the file system takes nothing more; what both files held is still there.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    write_bytes(newest, b"%s%s\n%s" % (_BEGIN, checksum(content), content), former)


def read_state(path: Path) -> dict[str, Any]:
    """The state in a file, its tensors on the CPU.

    Raises:
        Damaged: the file is missing, or another than the one that was written.
    """
    if not path.exists():
        raise Damaged("is missing")
    head, _, content = path.read_bytes().partition(b"\n")
    if not head.startswith(_BEGIN):
        raise Damaged("is no checkpoint" if head else "is empty")
    if head.removeprefix(_BEGIN) != checksum(content):
        raise Damaged("does not agree with its checksum")
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


def checksum(content: bytes) -> bytes:
    """64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest().encode()
