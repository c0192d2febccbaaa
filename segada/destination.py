"""Where a person wants results to go: whether they can go there, said before anything is computed."""

import os
import tempfile
from pathlib import Path

from segada.settings.files import InputError
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


def check_file(path: Path, option: str) -> None:
    """Whether a file can be written or replaced.

    Args:
        path: The file; it and folders above it may be missing.
        option: What names it on the command line.

    Raises:
        InputError: it is a folder, or its own cannot be made or written.
    """
    check_folder(checked_path(path, option).parent, option)
    if path.is_dir():
        raise InputError(f"{option} {path}: is a folder, not a file; add a file's name")
