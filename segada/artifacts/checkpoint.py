"""Checkpoint file of a run: a line with the checksum of the content, then torch's serialization."""

import hashlib
import io
from pathlib import Path
from typing import Any

import torch

from segada.core.atomic_io import write_bytes

_BEGIN = b"segada checkpoint, sha256 "


class Damaged(Exception):
    """A file differs from what was written; the message describes the damage."""


def write_state(state: dict[str, Any], newest: Path, former: Path) -> None:
    """Writes the state and keeps the previous one.

    Args:
        state: State as torch saves it: tensors, numbers, strings, and lists and dicts of them.
        newest: File of the new state.
        former: File to which the content of `newest` is moved.

    Raises:
        StorageError: if the file system refuses the write; the content of both files is kept.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    content = buffer.getvalue()
    write_bytes(newest, b"%s%s\n%s" % (_BEGIN, checksum(content), content), former)


def read_state(path: Path) -> dict[str, Any]:
    """Returns the state in a file, its tensors on the CPU.

    Raises:
        Damaged: if the file is missing, or differs from what was written.
    """
    if not path.exists():
        raise Damaged("is missing")
    head, _, content = path.read_bytes().partition(b"\n")
    if not head.startswith(_BEGIN):
        raise Damaged("is not a checkpoint" if head else "is empty")
    if head.removeprefix(_BEGIN) != checksum(content):
        raise Damaged("does not match its checksum")
    state: dict[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return state


def checksum(content: bytes) -> bytes:
    """Returns the SHA-256 of the content as 64 hexadecimal digits."""
    return hashlib.sha256(content).hexdigest().encode()
