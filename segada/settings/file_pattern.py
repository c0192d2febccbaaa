"""Patterns of files below a folder: their parts, and the wildcards whose text is the key of a file."""

import re
from collections.abc import Mapping
from typing import Final

ANY_SUFFIX: Final = ".*"
"""End of a pattern that takes files with any suffix of a picture; it is no part of the key."""
FOLDERS: Final = "**"


def pattern_parts(pattern: str) -> tuple[str, ...]:
    """Returns the folders of a pattern and, last, its file name: `./a/**/b_*.png` has `a`, `**` and `b_*.png`."""
    return tuple(part for part in pattern.split("/") if part not in ("", "."))


def key_wildcards(pattern: str) -> tuple[str, ...]:
    """Returns the wildcards whose text is the key of a file, in their order: `**`, `*` and `?`."""
    varying = "/".join(pattern_parts(pattern)).removesuffix(ANY_SUFFIX)
    return tuple(re.findall(r"\*\*|\*|\?", varying))


def misused(pattern: str) -> str | None:
    """Returns the reason why no file can have a key by this pattern; None if one can."""
    if pattern.startswith("/"):
        return f"{pattern!r}: this is no pattern below a folder; give the folder as root, and the rest as the pattern"
    if "[" in pattern or "]" in pattern:
        return f"{pattern!r}: a pattern has no brackets; write * or ? for what varies, and rename files with brackets"
    if not pattern_parts(pattern):
        return "the pattern is empty; write one for the names of files, for instance rgb/*.png"
    *folders, name = pattern_parts(pattern)
    if any(FOLDERS in part and part != FOLDERS for part in folders) or FOLDERS in name:
        return f"{pattern!r}: ** stands for whole folders, between slashes; write **/* for all files below a folder"
    if not key_wildcards(pattern):
        return f"{pattern!r}: this is one file; write * for the part of the name that differs from frame to frame"
    return None


def unequal(patterns: Mapping[str, str]) -> str | None:
    """Returns the reason why two patterns cannot give the same keys; None if they can.

    Args:
        patterns: Two patterns by the names of their settings.
    """
    (first, one), (second, other) = patterns.items()
    if key_wildcards(one) == key_wildcards(other):
        return None
    found, wanted = (" ".join(key_wildcards(pattern)) for pattern in (one, other))
    return (
        f"{first} {one!r} has the wildcards {found} and {second} {other!r} has {wanted}, but files are paired by the "
        "text of each wildcard, so both need the same ones in the same order; add the missing ones, or write out what "
        "is not to vary: rgb/*_left.png for one camera of two"
    )
