"""Checks, before any computation, that results can be written to the given place."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from segada.errors import InputError
from segada.settings.inputs import check_regular, checked_path


def check_folder(path: Path, option: str = "--out") -> None:
    """Checks that a folder can be created and written; leaves nothing behind.

    Args:
        path: The folder, which may be missing, as may its parents.
        option: Option of the command line that names it.

    Raises:
        InputError: if a path component is not a folder, or the folder is not writable.
    """
    checked_path(path, option)
    try:
        # A link that is broken or circular is an obstacle too.
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
    """Refuses a folder that contains files, but no file that marks it as a result of this command.

    Args:
        path: The folder, which may be missing.
        what: Expected content, for the message.
        marks: Patterns of files of which one marks the folder.
        option: Option of the command line that names it.

    Raises:
        InputError: if the folder contains other files; the message names the first.
    """
    held = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
    if held and not any(True for mark in marks for _ in path.glob(mark)):
        raise InputError(f"{option} {path}: holds {held[0]} but no {what}; name a new or an empty folder")


def named_folder(given: str | None, default: Path, option: str = "--out") -> Path:
    """Returns the folder that a command line names.

    Args:
        given: Value of the option; None if the option is absent.
        default: Folder without the option.
        option: Option of the command line that names it.

    Raises:
        InputError: if the value is empty, for example because a shell variable is not set.
    """
    if given is None:
        return default
    if not given.strip():
        raise InputError(f"{option} {given!r}: is empty; give a folder, or leave {option} out for {default}")
    return Path(given)


def check_file(path: Path, option: str) -> None:
    """Checks that a file can be written or replaced.

    Args:
        path: The file, which may be missing, as may its folder.
        option: Option of the command line that names it.

    Raises:
        InputError: if it is a folder or a pipe, or its folder cannot be created or written.
    """
    check_folder(checked_path(path, option).parent, option)
    if path.is_dir():
        raise InputError(f"{option} {path}: is a folder, not a file; add a file's name")
    check_regular(path)
