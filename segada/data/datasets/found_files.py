"""Files of a pattern by key, and what is left out of their folders."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from segada.data.datasets.file_keys import FilePattern, by_numbers, composed
from segada.data.datasets.folder_search import Folder, Search, holds
from segada.data.datasets.left_out import NAMED, NOT_ENTERED, UNMATCHED, LeftOut, merged, omissions


class MissingFolder(ValueError):
    """A folder or all files of a layout are missing. The text names them; the caller adds the layout.

    Attributes:
        pattern: Pattern that no file matches; empty if the folder is missing.
    """

    def __init__(self, text: str, pattern: str = "") -> None:
        super().__init__(text)
        self.pattern = pattern


@dataclass(frozen=True)
class Found:
    """Files below a folder that match a pattern.

    Attributes:
        root: The folder.
        pattern: The pattern.
        files: Files by key, in the order of the recording.
        ambiguous: Further files whose key another file has, each after that file.
        again: Folders of files that links list a second time: the name without links counts, or the first of several.
        left_out: Files in the same folders that do not match, by reason.
    """

    root: Path
    pattern: FilePattern
    files: dict[str, Path]
    ambiguous: tuple[tuple[Path, Path], ...]
    again: frozenset[Path]
    left_out: LeftOut

    def distinct(self) -> dict[str, Path]:
        """Returns the files by key.

        Raises:
            ValueError: Two of them have the same key.
        """
        if self.ambiguous:
            pairs = ", ".join(f"{first} and {second}" for first, second in self.ambiguous[:NAMED])
            more = f", and {len(self.ambiguous) - NAMED} more" if len(self.ambiguous) > NAMED else ""
            raise ValueError(
                f"files that {self.pattern.text} cannot tell apart: {pairs}{more}{self._accents()}; a frame has one "
                "image and one label file: remove the others, or write a pattern that they do not match"
            )
        return self.files

    def some(self) -> dict[str, Path]:
        """Returns the files by key.

        Raises:
            MissingFolder: There are none.
            ValueError: Two of them have the same key.
        """
        if self.distinct():
            return self.files
        there = next(place for place in (self.root, *self.root.parents) if holds(place.exists))
        seen = "; ".join(map(str, omissions(self.left_out)))
        problem = f"no files {self.pattern.text} in {there}" if there == self.root else f"no folder {self.root}"
        missing = self.pattern.text if there == self.root else ""
        raise MissingFolder(f"{problem} ({seen})" if seen else problem, missing)

    def _accents(self) -> str:
        alike = all(composed(str(first)) == composed(str(second)) for first, second in self.ambiguous)
        return " (the names differ in how accents are stored, NFC or NFD)" if alike else ""


def found(root: Path, pattern: str) -> Found:
    """Finds the files that match a pattern; linked folders are followed.

    The order is that of the paths, with digits compared as numbers: `frame9` comes before `frame10`. The case of the
    suffix does not matter, nor whether accents are stored composed. Hidden files and folders are left out, unless the
    pattern begins their names with a dot.

    Args:
        root: Folder; if it does not exist, there are no files.
        pattern: Pattern as in `segada.settings.domains.Pattern`.
    """
    search = Search(FilePattern(pattern), root)
    files: dict[str, Path] = {}
    ambiguous: list[tuple[Path, Path]] = []
    for _, path, key in sorted(sorted(search.matched), key=lambda one: by_numbers(one[0])):
        if key in files:
            ambiguous.append((files[key], Path(path)))
        else:
            files[key] = Path(path)
    left_out = {reason: tuple(map(Path, sorted(paths))) for reason, paths in search.left_out.items()}
    return Found(root, FilePattern(pattern), files, tuple(ambiguous), _again(search.folders), left_out)


def _again(folders: Sequence[Folder]) -> frozenset[Path]:
    known: set[str] = set()
    again = set()
    for folder in sorted(folders, key=lambda folder: (bool(folder.left), by_numbers(folder.name), folder.name)):
        if folder.real in known:
            again.add(folder.path)
        known.add(folder.real)
    return frozenset(again)


def passed_over(several: Sequence[Found], beside: Sequence[str] = ()) -> dict[str, tuple[Path, ...]]:
    """Returns what is left out of the folders of several patterns, by reason, without what another of them takes.

    Args:
        several: Files of the patterns.
        beside: Further patterns below the same folders, of files that are there for another purpose.
    """
    further = [FilePattern(pattern) for pattern in beside]
    kept = []
    for one in several:
        patterns = [*further, *(other.pattern for other in several if other.root == one.root)]
        start = len(str(one.root / "-")) - 1
        names = {
            path: composed(str(path)[start:])
            for reason in (UNMATCHED, NOT_ENTERED)
            for path in one.left_out.get(reason, ())
        }
        taken = {
            UNMATCHED: {path for path, name in names.items() if any(other.key(name) is not None for other in patterns)},
            NOT_ENTERED: {path for path, name in names.items() if any(other.enters(name) for other in patterns)},
        }
        kept.append(
            {
                reason: tuple(path for path in paths if path not in taken.get(reason, ()))
                for reason, paths in one.left_out.items()
            }
        )
    return merged(kept)
