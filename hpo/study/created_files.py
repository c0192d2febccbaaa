"""Record of what a driver creates in and above a study's folder, so that exactly this can be removed again."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hpo.study.jobs import Job, Outcome
from segada.core.run_names import RUN_FILES
from segada.records import RunReport

WORTH = ("checkpoint/state.pt", "visits.jsonl", "weights.safetensors", "report.json")
"""Files of runs that have made progress; nothing is removed once one of them exists."""


class Made:
    """Record of created files, folders and runs, kept while they are created.

    Files that other processes put beside or into them are not in the record, and stay.
    """

    def __init__(self) -> None:
        """Starts an empty record."""
        self._folders: list[Path] = []
        self._files: list[Path] = []
        self._runs: list[Path] = []
        self._further: list[Callable[[], None]] = []

    def folder(self, path: Path) -> None:
        """Creates a folder, and its missing parents.

        Raises:
            OSError: one of them cannot be created.
        """
        for one in reversed([path, *path.parents]):
            if one.exists():
                continue
            with suppress(FileExistsError):
                one.mkdir()
                self._folders.append(one)

    @contextmanager
    def noting(self, *paths: Path) -> Iterator[None]:
        """Records which of these files are created while the context is open."""
        missing = [path for path in paths if not os.path.lexists(path)]
        try:
            yield
        finally:
            self._files += [path for path in missing if path.is_file()]

    def run(self, folder: Path) -> None:
        """Records that a worker is about to create a run's folder, unless the path exists already."""
        if os.path.lexists(folder):
            return
        if not os.path.lexists(folder.parent):
            self._folders.append(folder.parent)
        self._runs.append(folder)

    def further(self, undo: Callable[[], None]) -> None:
        """Records a creation that is not a file, with the function that removes it."""
        self._further.append(undo)

    def remove(self) -> None:
        """Removes everything recorded, unless a run has made progress; folders are removed only if they are
        then empty.
        """
        if any((run / name).exists() for run in self._runs for name in WORTH):
            return
        for undo in self._further:
            undo()
        for run in self._runs:
            remove_named(run, RUN_FILES)
        for path in self._files:
            path.unlink(missing_ok=True)
        for folder in reversed(self._folders):
            remove_if_empty(folder)


def remove_named(folder: Path, patterns: Iterable[str]) -> None:
    """Removes files by name, and the folders that are then empty, including `folder` itself.

    Args:
        folder: folder of the files.
        patterns: patterns of file names in it; a pattern that ends in a slash matches folders. Links are not followed.
    """
    place = folder.resolve()
    inner: set[Path] = set()
    for pattern in patterns:
        for path in folder.glob(pattern):
            if not path.parent.resolve().is_relative_to(place):
                continue
            inner |= {above for above in path.parents if folder in above.parents}
            if pattern.endswith("/"):
                inner.add(path)
            else:
                path.unlink(missing_ok=True)
    for path in sorted(inner, key=lambda path: -len(path.parts)):
        remove_if_empty(path)
    remove_if_empty(folder)


def remove_if_empty(folder: Path) -> None:
    """Removes a folder if it is empty."""
    # Another process may create a file there in between, or the folder may have been replaced by a link.
    with suppress(OSError):
        folder.rmdir()


class MadeRuns:
    """Observer that records the folders of the runs that a driver hands out."""

    def __init__(self, made: Made) -> None:
        """Takes the record to write to."""
        self._made = made

    def started(self, job: Job) -> None:
        """Records the run's folder."""
        self._made.run(job.folder)

    def visited(self, job: Job, report: RunReport) -> None:
        """Does nothing."""

    def recovered(self, job: Job) -> None:
        """Does nothing."""

    def dropped(self, job: Job) -> None:
        """Does nothing."""

    def exhausted(self, end: str) -> None:
        """Does nothing."""

    def waiting(self, drivers: Sequence[str]) -> None:
        """Does nothing."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Does nothing."""
