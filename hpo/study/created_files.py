"""What a driver has made in and above a study's folder, by name, so that exactly this can be removed again."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from hpo.study.jobs import Job, Outcome
from segada.core.run_names import RUN_FILES
from segada.records import RunReport

WORTH = ("checkpoint/state.pt", "visits.jsonl", "weights.safetensors", "report.json")
"""Files of runs that have got somewhere; once there is one, nothing is removed."""


class Made:
    """A record of files, folders and runs, kept while they are made.

    What anybody else puts beside or into them is not in the record, and stays.
    """

    def __init__(self) -> None:
        """Begins with nothing."""
        self._folders: list[Path] = []
        self._files: list[Path] = []
        self._runs: list[Path] = []
        self._further: list[Callable[[], None]] = []

    def folder(self, path: Path) -> None:
        """Makes a folder, and those above it, where they are missing.

        Raises:
            OSError: one of them cannot be made.
        """
        for one in reversed([path, *path.parents]):
            if one.exists():
                continue
            with suppress(FileExistsError):
                one.mkdir()
                self._folders.append(one)

    @contextmanager
    def noting(self, *paths: Path) -> Iterator[None]:
        """Records which of these files are made while the context is open."""
        missing = [path for path in paths if not os.path.lexists(path)]
        try:
            yield
        finally:
            self._files += [path for path in missing if path.is_file()]

    def run(self, folder: Path) -> None:
        """Records that a worker is about to make a run's folder, unless something of this name is there already."""
        if os.path.lexists(folder):
            return
        if not os.path.lexists(folder.parent):
            self._folders.append(folder.parent)
        self._runs.append(folder)

    def further(self, undo: Callable[[], None]) -> None:
        """Records something that is no file, with what removes it."""
        self._further.append(undo)

    def remove(self) -> None:
        """Removes everything that is recorded, unless a run has got somewhere; folders only if they are empty then."""
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
    """Removes files by their names, and the folders that are empty then, this one included.

    Args:
        folder: where they are.
        patterns: of the files' names in it; of a folder's, with a slash behind it. Links are not followed.
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
    """Removes a folder in which nothing is."""
    # Another process may begin there in between, or somebody may have put a link in its place.
    with suppress(OSError):
        folder.rmdir()


class MadeRuns:
    """An observer that records the folders of the runs that a driver hands out."""

    def __init__(self, made: Made) -> None:
        """Takes the record to write into."""
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

    def waiting(self, drivers: Sequence[str]) -> None:
        """Does nothing."""

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Does nothing."""
