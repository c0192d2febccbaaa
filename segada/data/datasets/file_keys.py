"""Keys of files: the text that the wildcards of a pattern match, and the order of files."""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, cached_property
from typing import Final

from segada.settings.file_pattern import ANY_SUFFIX, FOLDERS, key_wildcards, pattern_parts

PICTURES: Final = frozenset(
    (
        "apng",
        "avif",
        "bmp",
        "dib",
        "dng",
        "exr",
        "gif",
        "hdr",
        "heic",
        "heif",
        "j2c",
        "j2k",
        "jfif",
        "jp2",
        "jpc",
        "jpe",
        "jpeg",
        "jpf",
        "jpg",
        "jpx",
        "jxl",
        "pbm",
        "pfm",
        "pgm",
        "png",
        "pnm",
        "ppm",
        "qoi",
        "ras",
        "sr",
        "tga",
        "tif",
        "tiff",
        "webp",
    )
)
"""Suffixes of picture files, those that cannot be decoded included."""
_NOTHING: Final = "-"
"""End of a part of a key that is empty, or that could be taken for such a part or for a folder."""


class FilePattern:
    """Pattern as in `segada.settings.domains.Pattern`.

    Attributes:
        text: The pattern.
        parts: Its folders and its file name, accents composed (NFC).
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.parts = tuple(map(composed, pattern_parts(text)))
        self._wildcards = key_wildcards(text)
        self._several = self._wildcards.count(FOLDERS) > 1

    def key(self, name: str) -> str | None:
        """Returns the key of a file, which no other name has; None if the pattern does not match.

        The key is the text of each wildcard, joined by `/`. A wildcard that matches nothing is written as `-`, and text
        of dots and hyphens alone gets a further `-`. `**` that matches no folders is left out. Where there are several
        `**`, a part `-` ends each.

        Args:
            name: Path below the folder of the pattern, accents composed.
        """
        captured = self._expression.fullmatch(name)
        if captured is None:
            return None
        parts: list[str] = []
        for wildcard, text in zip(self._wildcards, captured.groups(), strict=True):
            if wildcard != FOLDERS:
                parts.append(text if text.strip("-.") else text + _NOTHING)
                continue
            parts += [folder if folder.strip("-.") else folder + _NOTHING for folder in text.split("/")[:-1]]
            parts += [_NOTHING] * self._several
        return "/".join(parts)

    def name(self, key: str) -> str:
        """Returns the name of the file that would have a key, for messages."""
        parts, texts = key.split("/"), []
        depth = len(parts) - len(self._wildcards) + 1
        for wildcard in self._wildcards:
            count = 1
            if wildcard == FOLDERS:
                count = parts.index(_NOTHING) if self._several else depth
            taken = [part if part.strip("-.") else part[:-1] for part in parts[:count]]
            texts.append("".join(f"{part}/" for part in taken) if wildcard == FOLDERS else "".join(taken))
            del parts[: count + (self._several and wildcard == FOLDERS)]
        filled = iter(texts)
        return re.sub(r"\*\*/|\*|\?", lambda wildcard: next(filled, wildcard[0]), "/".join(self.parts))

    def enters(self, folder: str) -> bool:
        """Returns True if files of the pattern can be below a folder.

        Args:
            folder: Path below the folder of the pattern, accents composed.
        """
        names = folder.split("/")
        for part, name in zip(self.parts[:-1], names, strict=False):
            if part == FOLDERS:
                return True
            if not as_expression(part).fullmatch(name):
                return False
        return len(names) < len(self.parts)

    @cached_property
    def _expression(self) -> re.Pattern[str]:
        *folders, name = self.parts
        stem, dot, suffix = name.rpartition(".")
        if name.endswith(ANY_SUFFIX):
            ending = rf"\.(?i:{'|'.join(sorted(PICTURES))})"
        elif dot and not varies(suffix):
            ending = rf"\.(?i:{re.escape(suffix)})"
        else:
            stem, ending = name, ""
        above = "".join("((?:[^/]+/)*)" if part == FOLDERS else f"{_expressed(part)}/" for part in folders)
        return re.compile(above + _expressed(stem) + ending)


def varies(part: str) -> bool:
    """Returns True if a part of a pattern has a wildcard."""
    return "*" in part or "?" in part


@cache
def as_expression(part: str) -> re.Pattern[str]:
    """Returns a part of a pattern, without `**`, as a regular expression."""
    return re.compile(_expressed(part))


def _expressed(part: str) -> str:
    """Returns `b_*` as an expression with a group for each wildcard."""
    groups = {"*": "([^/]*)", "?": "([^/])"}
    return "".join(groups.get(piece, re.escape(piece)) for piece in re.split(r"(\*|\?)", part))


def composed(name: str) -> str:
    """Returns a name with accents composed (NFC); some systems write them apart (NFD)."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)


def is_picture(name: str) -> bool:
    """Returns True if a file name has the suffix of a picture."""
    return name.rpartition(".")[2].lower() in PICTURES


def in_recording_order(names: Iterable[str]) -> list[str]:
    """Returns names in the order of their text, but with decimal digits compared as numbers: `frame9` comes before
    `frame10`."""
    return sorted(sorted(names), key=by_numbers)


def by_numbers(name: str) -> list[str | int]:
    """Returns a sort key that compares decimal digits in a name as numbers."""
    # Every other part is digits; `str.isdigit` would be true of ², too, which is no number to `int`.
    parts: list[str | int] = [*re.split(r"(\d+)", name)]
    parts[1::2] = map(int, parts[1::2])
    return parts
