"""Where a person wants results to go: whether they can go there, said before anything is computed."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from segada.errors import InputError
from segada.settings.files import check_regular
from segada.settings.inputs import checked_path


def check_folder(path: Path, option: str = "--out") -> None:
    """Whether a folder can be made and written; leaves nothing behind.

    Args:
        path: The folder; it and folders above it may be missing.
        option: What names it on the command line.

    Raises:
        InputError: something that is no folder is in the way, or nothing can be written there.
    """
    checked_path(path, option)
    try:
        # A link that leads nowhere, or round in a circle, is in the way too.
        there = next(place for place in (path, *path.parents) if os.path.lexists(place))
        if not there.is_dir():
            raise InputError(f"{option} {path}: {there} is no folder; choose another place with {option}")
        with tempfile.TemporaryFile(dir=there):
            pass
    except OSError as error:
        raise InputError(
            f"{option} {path}: nothing can be written there ({error.strerror}); choose another place with {option}"
        ) from None


def check_own(path: Path, what: str, marks: Sequence[str], option: str = "--out") -> None:
    """Refuses a folder that holds something, but none of what shows that it is ours.

    Args:
        path: The folder, which may be missing.
        what: That it would hold, in the words of the message.
        marks: Patterns of files in it, of which one shows that it holds that already.
        option: What names it on the command line.

    Raises:
        InputError: it holds what is not ours; the first of it is named.
    """
    held = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
    if held and not any(True for mark in marks for _ in path.glob(mark)):
        raise InputError(
            f"{option} {path}: holds {held[0]} and no {what}, so none is begun there; name a new or an empty folder"
        )


def named_folder(given: str | None, default: Path, option: str = "--out") -> Path:
    """The folder that a command line names.

    Args:
        given: What stands behind the option; None if it is not there.
        default: Without it.
        option: What names it on the command line.

    Raises:
        InputError: nothing stands behind it, as where a variable of a shell is not set.
    """
    if given is None:
        return default
    if not given.strip():
        raise InputError(f"{option} {given!r}: names no folder; write one, or leave {option} out for {default}")
    return Path(given)


def check_file(path: Path, option: str) -> None:
    """Whether a file can be written or replaced.

    Args:
        path: The file; it and folders above it may be missing.
        option: What names it on the command line.

    Raises:
        InputError: it is a folder or a pipe, or its own folder cannot be made or written.
    """
    check_folder(checked_path(path, option).parent, option)
    if path.is_dir():
        raise InputError(f"{option} {path}: is a folder, not a file; add a file's name")
    check_regular(path)
