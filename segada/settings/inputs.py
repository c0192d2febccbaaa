"""What a person gives: how an error about it reads, and the text of a file."""

from pathlib import Path
from typing import Final

from segada.settings.limits import FILE_BYTES


class InputError(ValueError):
    """What a person gave is wrong. The text is one line: where, what, and what would be right."""

    def __init__(self, text: str) -> None:
        """Takes the text; what no terminal shows as it is, a control character or half a surrogate, is escaped."""
        super().__init__("".join(one if one.isprintable() else _escaped(one) for one in text))


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: there is no such file, or it is too large, no file with an end, or not in UTF-8.
    """
    try:
        if path.exists() and not (path.is_file() or path.is_dir()):
            content, problem = b"", "it is a device or a pipe; name a file"
        else:
            with path.open("rb") as file:
                content, problem = file.read(FILE_BYTES + 1), ""
    # A path with a NUL in it is a ValueError.
    except (OSError, ValueError) as failure:
        raise InputError(f"{path}: cannot be read: {failure}") from None
    if len(content) > FILE_BYTES:
        problem = f"it has more than {FILE_BYTES:,} bytes, and no settings need as many"
    if problem:
        raise InputError(f"{path}: cannot be read: {problem}")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as failure:
        raise InputError(f"{path}: cannot be read: {failure}; save it in UTF-8") from None


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
