"""Recognition of files that stand in for others: pointers of version control, pages of failed downloads, packages."""

import re
from typing import Final

STAND_INS: Final = {
    rb"version https://(git-lfs|hawser)\.github\.com/": (
        "is a pointer of Git LFS, not the file itself; fetch the file with: git lfs pull"
    ),
    rb"# xet version": "is a pointer of Git-Xet, not the file itself; fetch the file with: git xet checkout",
    rb"\S*\.git/annex/|/annex/objects/": (
        "is a pointer of git-annex, not the file itself; fetch the file with: git annex get"
    ),
    rb"(.*\n)?outs:\r?\n": (
        "is a pointer of DVC, not the file itself; fetch the file with: dvc pull, and give its own name"
    ),
    rb"(?i)<(!doctype html|html|head)\b|(<\?xml[^>]*>\s*)?<error\b": (
        "is a web page, not the file itself: its download was answered by a page, of a login for example; "
        "download it again"
    ),
    rb'\{\s*"': (
        "is text in JSON, not the file itself: its download may have been answered by an error; download it again"
    ),
    rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd": "is a packed file; unpack it, and give what is in it",
}
"""Description and cure of each kind of stand-in, by a pattern of its first bytes after white space."""


def stand_in(start: bytes) -> str | None:
    """Returns what stands in for a file, and the cure, as a predicate of the file's name; None if it is the file.

    Args:
        start: First bytes of the file, 512 or more.
    """
    words = start[:512].removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    return next((said for pattern, said in STAND_INS.items() if re.match(pattern, words)), None)
