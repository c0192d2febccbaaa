"""Recognition of small files that stand in for others: pointers of Git LFS, pages of failed downloads."""

import re
from typing import Final

STAND_INS: Final = {
    rb"version https://git-lfs\.github\.com/spec/": (
        "is a pointer of Git LFS, not the file itself; fetch the file with: git lfs pull"
    ),
    rb"/annex/objects/": "is a pointer of git-annex, not the file itself; fetch the file with: git annex get",
    rb"(?i)\s*<(!doctype html|html)": (
        "is a web page, not the file itself: its download was answered by a page, of a login for example; "
        "download it again"
    ),
}
"""Description and cure of each kind of stand-in, by a pattern of its first bytes."""


def stand_in(start: bytes) -> str | None:
    """Returns what stands in for a file, and the cure, as a predicate of the file's name; None if it is the file.

    Args:
        start: First bytes of the file, 64 or more.
    """
    return next((said for pattern, said in STAND_INS.items() if re.match(pattern, start)), None)
