"""Files that stand in the place of another: pointers of version control, web pages, packed files."""

import re
from pathlib import Path
from typing import Final

START: Final = 512
"""Number of bytes from the start of a file that show what it is."""
KINDS: Final = (
    (
        rb"version https://(git-lfs|hawser)\.github\.com/",
        "a Git LFS pointer, not the file itself; run git lfs pull in its repository, or download the file",
    ),
    (rb"# xet version", "a pointer of Git-Xet, not the file itself; run git xet checkout, or download the file"),
    (
        rb"\S*\.git/annex/|/annex/objects/",
        "a pointer of git-annex, not the file itself; run git annex get in its repository",
    ),
    (rb"(.*\n)?outs:\n", "a pointer of DVC, not the file itself; run dvc pull, and give the file that it fetches"),
    (
        rb"(?i)<(!doctype|html|head|\?xml|error)\b",
        "a page or an error of a web server, not the file itself; download it again, and log in where the site asks it",
    ),
    (rb'\{\s*"', "text in JSON, such as the error of a web server, and no weights; download the file again"),
    (rb"\x1f\x8b|BZh|\xfd7zXZ|7z\xbc\xaf|Rar!|\x28\xb5\x2f\xfd", "a packed file; unpack it, and give what is in it"),
)
"""Starts of files, after white space, and words for a file that starts so, with the cure."""


def stand_in(path: Path) -> str:
    """Returns words for a file that is not what its name says, with the cure: empty, a pointer or a web page; empty for
    any other file."""
    with path.open("rb") as file:
        start = file.read(START)
    if not start:
        return "empty; copy or download it again"
    words = start.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    return next((kind for pattern, kind in KINDS if re.match(pattern, words)), "")
