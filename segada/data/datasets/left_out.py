"""Files that a data set leaves out of its folders, by reason."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

LeftOut: TypeAlias = Mapping[str, tuple[Path, ...]]
"""Files and folders that are left out, by reason: one of the constants of this module."""

HIDDEN: Final = "hidden files and folders"
UNMATCHED: Final = "pictures that match no pattern"
NOT_ENTERED: Final = "folders that no pattern enters"
INCOMPLETE: Final = "folders that lack what a pattern expects in them"
DANGLING: Final = "links without a target"
AS_TEXT: Final = "links stored as text, which git writes without core.symlinks"
LOOPS: Final = "links to a folder that contains them"
FORBIDDEN: Final = "folders that may not be read"
SPECIAL: Final = "pipes, sockets and devices"
REPEATED: Final = "folders of images that are listed under another name"
WITHOUT_IMAGE: Final = "labels without image"
MISSING_IMAGES: Final = "images that annotations name and that do not exist"

NAMED: Final = 3
"""Number of files that are named of each reason."""


@dataclass(frozen=True, slots=True)
class Omission:
    """Files that are left out for one reason.

    Attributes:
        reason: The reason.
        count: Number of the files.
        first: The first of them.
    """

    reason: str
    count: int
    first: tuple[str, ...]

    def __str__(self) -> str:
        more = ", ..." if self.count > len(self.first) else ""
        return f"{self.reason}: {self.count} ({', '.join(self.first)}{more})"


def merged(several: Iterable[LeftOut]) -> dict[str, tuple[Path, ...]]:
    """Returns the files of all, each once for a reason."""
    paths: dict[str, dict[Path, None]] = {}
    for one in several:
        for reason, files in one.items():
            paths.setdefault(reason, {}).update(dict.fromkeys(files))
    return {reason: tuple(files) for reason, files in paths.items() if files}


def counted(left_out: LeftOut) -> dict[str, int]:
    """Returns the number of files of each reason."""
    return {reason: len(files) for reason, files in left_out.items() if files}


def omissions(left_out: LeftOut) -> tuple[Omission, ...]:
    """Returns the number and the first files of each reason."""
    return tuple(
        Omission(reason, len(files), tuple(map(str, files[:NAMED]))) for reason, files in left_out.items() if files
    )


def omission_line(domain: str, omitted: Iterable[Omission]) -> str:
    """Returns a line that says what is left out of the folders of a domain."""
    return f"left out of the folders of domain {domain}: {'; '.join(map(str, omitted))}"
