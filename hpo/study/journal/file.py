"""The journal in a study's folder: every line is checked as it is read, and a torn end is cut off before a write."""

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
from segada.cli.exit_codes import program
from segada.core.atomic_io import write_bytes
from segada.core.printing import tell
from segada.errors import InputError

JOURNAL = "study.journal"
JOURNAL_LOCK = "journal.lock"
CUT = "{name}.cut-{number}"
"""Beside a journal: what was cut off its end."""
LINE_START = b'{"op_code":'
BLOCK = 1 << 12
"""Bytes at the end that are looked at first."""


class DamagedJournal(InputError):
    """A line of a journal is no operation. The text names file and line, and the command that keeps all others."""


class Journal(JournalFileBackend):
    """Optuna's file, of which every line is checked before it is replayed.

    A torn end is passed over, as by Optuna: somebody may be writing it.
    """

    def __init__(self, path: Path) -> None:
        """Makes the file if it is missing, and reads nothing yet."""
        super().__init__(str(path), JournalLock(path))
        self._path = path
        self._begin()

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:  # type: ignore[override]
        """Operations from the one with this number on.

        Raises:
            DamagedJournal: a line is none, or names what no line before it creates.
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
    """The kernel's lock, which ends with the process, and under which the journal ends with a whole line.

    Optuna's own locks are files, of which nobody can tell whether their owner lives; and behind half a line, as a
    process leaves it that is killed or finds the disk full while it writes, nothing could be read any more.
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
        """Gives it back."""
        self._file.close()


def damaged(path: Path, number: int, problem: str) -> DamagedJournal:
    """The error that a line of a journal cannot be used."""
    cure = f"{program('hpo.trial')} salvage {shlex.quote(str(path.parent))}"
    return DamagedJournal(f"{path}:{number}: {problem}; what all other lines say is kept by: {cure}")


def is_journal(path: Path) -> bool:
    """Whether any line of the file is an operation; an empty file, or one whose first line was torn, is one too."""
    with path.open("rb") as file:
        first = file.readline()
        if not first.endswith(b"\n"):
            text = first.rstrip(b"\0")
            return text[: len(LINE_START)] == LINE_START[: len(text)]
        file.seek(0)
        return any(map(is_operation, file))


def is_empty(path: Path) -> bool:
    """Whether nothing would be left of a journal when its torn end is cut off."""
    with path.open("rb") as journal:
        return ending(journal)[0] == b""


def mend(path: Path) -> None:
    """Cuts off what a write left unfinished at the end of a journal, and keeps it in a file beside it.

    That is half a line, and bytes of zero, as a power cut leaves them. Call it under the lock: a reader may see a line
    that somebody is about to finish. An operation that lacks nothing but the end of its line is given that.
    """
    if not path.exists():
        return
    with path.open("rb+") as journal:
        tail = ending(journal)[1]
        if not tail:
            return
        text = tail.rstrip(b"\0")
        kept = text + b"\n" if is_operation(text) else b""
        said = ""
        if not kept:
            copy = beside(path, CUT)
            write_bytes(copy, tail)
            said = f"note: {path}: the last {len(tail)} bytes, an unfinished line, were cut off; they are in {copy}"
        journal.seek(-len(tail), os.SEEK_END)
        journal.write(kept)
        journal.truncate()
        journal.flush()
        os.fsync(journal.fileno())
    if said:
        tell(said)


def beside(path: Path, name: str) -> Path:
    """A file beside a journal that is not there yet: `name` with the first number that is free."""
    names = (path.with_name(name.format(name=path.name, number=number)) for number in count(1))
    return next(candidate for candidate in names if not candidate.exists())


def ending(journal: BinaryIO) -> tuple[bytes, bytes]:
    """The last whole line of a journal, and what follows it; the line is empty if there is none.

    A line with bytes of zero that holds no operation is not whole, even if it has an end: pages of a file need not
    reach the disk in their order.
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
    """Whether a line says an operation."""
    try:
        parsed(line)
    except ValueError:
        return False
    return True


def _last_line(block: bytes) -> tuple[int, int]:
    """Where the last whole line begins and ends; twice 0 if there is none."""
    end = len(block)
    while end:
        start = block.rfind(b"\n", 0, end - 1) + 1
        line = block[start:end]
        if line.endswith(b"\n") and (b"\0" not in line or is_operation(line.strip(b"\0\n"))):
            return start, end
        end = start
    return 0, 0
