"""Journal file of a study: every line is checked when read, and an incomplete end is cut off before a write."""

import os
import shlex
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO

from optuna.storages.journal import JournalFileBackend
from optuna.storages.journal._file import BaseJournalFileLock

from hpo.study.file_lock import take
from hpo.study.journal.operations import Sequel, parsed
from segada.cli.interruption import program
from segada.core.atomic_io import write_bytes
from segada.core.printing import tell
from segada.errors import InputError

JOURNAL = "study.journal"
JOURNAL_LOCK = "journal.lock"
CUT = "{name}.cut-{number}"
"""Name of the file beside a journal with the part that was cut off its end."""
LINE_START = b'{"op_code":'
BLOCK = 1 << 12
"""Number of bytes at the end that are read first."""


class DamagedJournal(InputError):
    """Error for a journal line that is not an operation. The text names file, line, and the command that keeps the
    others.
    """


class Journal(JournalFileBackend):
    """Optuna's journal file backend with a check of every line before it is replayed.

    An incomplete last line is skipped, as by Optuna: another process may be writing it.
    """

    def __init__(self, path: Path) -> None:
        """Creates the file if it is missing; reads nothing yet."""
        super().__init__(str(path), JournalLock(path))
        self._path = path
        self._begin()

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """Yields the operations from the one with this number on.

        Raises:
            DamagedJournal: a line is not an operation, or refers to a study or trial that no earlier line creates.
        """
        if log_number_from < self._sequel.operations:
            self._begin()
        with self._path.open("rb") as file:
            file.seek(self._read)
            for line in file:
                if not line.endswith(b"\n"):
                    return
                try:
                    operation = self._next(line)
                except ValueError as problem:
                    if self._read + len(ending(file)[1]) == file.seek(0, os.SEEK_END):
                        return
                    raise damaged(self._path, self._sequel.operations + 1, str(problem)) from None
                if self._sequel.operations > log_number_from:
                    yield operation

    def _begin(self) -> None:
        self._sequel = Sequel()
        self._read = 0

    def _next(self, line: bytes) -> dict[str, Any]:
        operation = parsed(line)
        lacking = self._sequel.lacking(operation)
        if lacking is not None:
            raise ValueError(lacking)
        self._sequel.add(operation)
        self._read += len(line)
        return operation


class JournalLock(BaseJournalFileLock):
    """Kernel lock, released with the process; after acquisition the journal ends with a complete line.

    Optuna's own locks are files that do not show whether their owner is alive. A process that is killed, or finds the
    disk full, while writing leaves an incomplete line, after which nothing could be read any more.
    """

    def __init__(self, journal: Path) -> None:
        self._journal = journal

    def acquire(self) -> bool:
        """Waits for the lock."""
        self._file = take(self._journal.with_name(JOURNAL_LOCK))
        try:
            mend(self._journal)
        except BaseException:
            self._file.close()
            raise
        return True

    def release(self) -> None:
        """Releases the lock."""
        self._file.close()


def damaged(path: Path, number: int, problem: str) -> DamagedJournal:
    """Returns the error for a journal line that cannot be used."""
    cure = f"{program('hpo.trial')} salvage {shlex.quote(str(path.parent))}"
    return DamagedJournal(f"{path}:{number}: {problem}; all other lines are kept by: {cure}")


def is_journal(path: Path) -> bool:
    """Returns True if any line of the file is an operation, or if it is empty or consists of an incomplete
    first line.
    """
    with path.open("rb") as file:
        first = file.readline()
        if not first.endswith(b"\n"):
            text = first.rstrip(b"\0")
            return text[: len(LINE_START)] == LINE_START[: len(text)]
        file.seek(0)
        return any(map(is_operation, file))


def is_empty(path: Path) -> bool:
    """Returns True if a journal is empty without its incomplete end."""
    with path.open("rb") as journal:
        return ending(journal)[0] == b""


def mend(path: Path) -> None:
    """Cuts an incomplete write off the end of a journal, and keeps it in a file beside it.

    The incomplete end is a partial line, or zero bytes as left by a power cut. Call it with the lock held: without the
    lock, the line may be in the middle of a write. An operation that lacks only its line end receives one.
    """
    if not path.exists():
        return
    with path.open("rb+") as journal:
        tail = ending(journal)[1]
        if not tail:
            return
        text = tail.rstrip(b"\0")
        kept = text + b"\n" if is_operation(text) else b""
        note = ""
        if not kept:
            copy = beside(path, CUT)
            write_bytes(copy, tail)
            note = f"note: {path}: the last {len(tail)} bytes, an unfinished line, were cut off; they are in {copy}"
        journal.seek(-len(tail), os.SEEK_END)
        journal.write(kept)
        journal.truncate()
        journal.flush()
        os.fsync(journal.fileno())
    if note:
        tell(note)


def beside(path: Path, name: str) -> Path:
    """Returns an unused path beside a journal: `name` with the first free number."""
    names = (path.with_name(name.format(name=path.name, number=number)) for number in count(1))
    return next(candidate for candidate in names if not candidate.exists())


def ending(journal: BinaryIO) -> tuple[bytes, bytes]:
    """Returns the last complete line of a journal, empty if there is none, and the bytes after it.

    A line with zero bytes that holds no operation is incomplete even if it has a line end: the pages of a file may
    reach the disk in any order.
    """
    size = journal.seek(0, os.SEEK_END)
    length = BLOCK
    while True:
        journal.seek(max(size - length, 0))
        block = journal.read()
        start, end = _last_line(block)
        if start > 0 or len(block) >= size:
            return block[start:end], block[end:]
        length *= 4


def is_operation(line: bytes) -> bool:
    """Returns True if a line is an operation."""
    try:
        parsed(line)
    except ValueError:
        return False
    return True


def _last_line(block: bytes) -> tuple[int, int]:
    """Returns start and end of the last complete line; (0, 0) if there is none."""
    end = len(block)
    while end:
        start = block.rfind(b"\n", 0, end - 1) + 1
        line = block[start:end]
        if line.endswith(b"\n") and (b"\0" not in line or is_operation(line.strip(b"\0\n"))):
            return start, end
        end = start
    return 0, 0
