"""Checks of paths and reading of text files given by the user, with errors that name the option or the file."""

import os
import unicodedata
from pathlib import Path

from segada.errors import InputError
from segada.settings.limits import FILE_BYTES, PART, PLACE


def is_control(character: str) -> bool:
    """Returns True for a control character (line ends and tabs excepted) or half a surrogate pair."""
    return unicodedata.category(character) in ("Cc", "Cs") and character not in "\t\n\r\x85"


def misnamed(path: str) -> str | None:
    """Returns the reason why no file or folder can have this path; None if one can. Does not access the disk."""
    if not path:
        return "a path has at least one character"
    if len(path) > PLACE:
        return f"a path has at most {PLACE:,} characters, but this has {len(path):,}"
    if any(len(part.encode("utf-8", "surrogateescape")) > PART for part in path.split("/")):
        return f"a name in a path has at most {PART} bytes; choose a shorter one"
    if any(one in "\t\n\r\x85" or is_control(one) for one in path):
        return "a path has no control characters; choose another name"
    return None


def checked_path(path: Path, option: str) -> Path:
    """Returns the path itself if a file or folder can have it.

    Args:
        path: Path given on the command line.
        option: Name of the option in the error.

    Raises:
        InputError: No file or folder can have this path.
    """
    problem = misnamed(str(path))
    if problem is not None:
        text = str(path)
        raise InputError(f"{option} {text if len(text) <= PLACE else f'{text[:PART]}...'}: {problem}".lstrip())
    return path


def resolved(path: Path, option: str) -> Path:
    """Returns the absolute path with links resolved; raises the errors of `checked_path`."""
    # Path.resolve raises where links form a circle; here the error comes when the path is opened.
    return Path(os.path.realpath(checked_path(path, option)))


def check_regular(path: Path) -> None:
    """Refuses a pipe, a device, a socket or a folder in place of a file, since reading it could block for ever.

    Raises:
        InputError: The path is not a regular file.
    """
    if path.exists() and not path.is_file():
        kind = "a folder" if path.is_dir() else "a pipe, a device or a socket"
        raise InputError(f"{path}: is {kind}, where a file should be; move it away, or name another one")


def read_text(path: Path) -> str:
    """Returns the text of a file.

    Raises:
        InputError: The file does not exist, is too large, is a device or a pipe, or is not in UTF-8.
    """
    checked_path(path, "")
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            content, problem = b"", "it is a pipe, a device or a socket; name a file"
        else:
            with path.open("rb") as file:
                content, problem = file.read(FILE_BYTES + 1), ""
    # A path with a NUL in it is a ValueError.
    except (OSError, ValueError) as failure:
        raise InputError(f"{path}: cannot be read: {failure}") from None
    if len(content) > FILE_BYTES:
        problem = f"it has more than {FILE_BYTES:,} bytes, which is more than any settings need"
    if problem:
        raise InputError(f"{path}: cannot be read: {problem}")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as failure:
        raise InputError(f"{path}: cannot be read: {failure}; save it in UTF-8") from None
