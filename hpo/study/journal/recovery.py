"""Recovery of a damaged journal: all complete lines, and replacements for lost ones as implied by the others."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import UnsupportedOperation
from pathlib import Path
from typing import Any

from optuna.storages import JournalStorage
from optuna.storages.journal._base import BaseJournalBackend
from optuna.storages.journal._storage import JournalOperation
from optuna.trial import TrialState

from hpo.study.journal.file import LINE_START
from hpo.study.journal.operations import Operation, Sequel, checked, parsed

SALVAGE = "salvage"
"""Worker id of operations that replace lost ones."""
MISSING = "a line is missing"
_DECODER = json.JSONDecoder()
_CODE = re.compile(rb'"op_code":(\d+)')
_TRIAL = re.compile(rb'"trial_id":(\d+)')
_KINDS: dict[int | None, str] = {
    JournalOperation.CREATE_STUDY: "the creation of the study",
    JournalOperation.SET_STUDY_USER_ATTR: "an attribute of the study",
    JournalOperation.SET_STUDY_SYSTEM_ATTR: "an attribute of the study",
    JournalOperation.CREATE_TRIAL: "the creation",
    JournalOperation.SET_TRIAL_PARAM: "a parameter",
    JournalOperation.SET_TRIAL_STATE_VALUES: "a change of state",
    JournalOperation.SET_TRIAL_INTERMEDIATE_VALUE: "an intermediate value",
    JournalOperation.SET_TRIAL_USER_ATTR: "an attribute",
    JournalOperation.SET_TRIAL_SYSTEM_ATTR: "an attribute",
}

_OF_STUDIES = (
    JournalOperation.CREATE_STUDY,
    JournalOperation.DELETE_STUDY,
    JournalOperation.SET_STUDY_USER_ATTR,
    JournalOperation.SET_STUDY_SYSTEM_ATTR,
)
"""Operations that concern no trial."""


@dataclass(frozen=True)
class Loss:
    """Line that could not be read."""

    line: int
    """Line number from 1; 0 stands for a missing line."""
    problem: str
    what: str
    """Description of the lost operation, as far as known."""
    trials: tuple[int, ...]
    """Trials that the line may have concerned: the one that it names, or those that were running."""

    def __str__(self) -> str:
        where = f"line {self.line} {self.problem}" if self.line else self.problem
        numbers = ", ".join(map(str, self.trials))
        of = f" of trial{'s' if len(self.trials) > 1 else ''} {numbers}" if len(self.trials) == 1 else ""
        possibly = f" of one of the trials {numbers}" if len(self.trials) > 1 else ""
        return f"{where}: lost: {self.what}{of}{possibly}"


@dataclass
class Recovery:
    """Operations that can be replayed in order, and the losses among them."""

    operations: list[Operation] = field(default_factory=list)
    losses: list[Loss] = field(default_factory=list)

    def incomplete(self) -> list[int]:
        """Lists the trials of which an operation is, or may be, lost."""
        return sorted({trial for loss in self.losses for trial in loss.trials})

    def storage(self) -> JournalStorage:
        """Replays the operations into a storage."""
        return JournalStorage(_Replayed(self.operations))

    def text(self) -> bytes:
        """Returns the operations as the content of a journal."""
        return b"".join(json.dumps(one, separators=(",", ":")).encode() + b"\n" for one in self.operations)


class _Replayed(BaseJournalBackend):
    """Read-only journal backend with operations in memory."""

    def __init__(self, operations: Sequence[Operation]) -> None:
        self._operations = operations

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        yield from (dict(one) for one in self._operations[log_number_from:])

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        raise UnsupportedOperation(f"{len(logs)} operations for a recovered journal, which is read-only")


@dataclass(frozen=True)
class _Line:
    number: int
    text: bytes
    operation: Operation | None
    problem: str = ""

    @property
    def was_creation(self) -> bool:
        """True if a line that cannot be read created a trial."""
        return _first(_CODE, self.text) == JournalOperation.CREATE_TRIAL and _first(_TRIAL, self.text) is None


def recovered(path: Path, study: tuple[str, Sequence[int]] | None = None) -> Recovery:
    """Reads a journal line by line, skipping lines that cannot be read.

    A trial keeps its number. If the line that creates it is lost, which later operations on it reveal, it is created in
    that place as a running trial without parameters.

    Args:
        path: the journal.
        study: name and directions of the study, to create it if its creating line is lost.
    """
    lines = list(_lines(path))
    return _Reading(lines, study, _moments(lines, path)).recovery


class _Reading:
    """Single pass over the lines of a damaged journal."""

    def __init__(self, lines: Sequence[_Line], study: tuple[str, Sequence[int]] | None, moments: list[str]) -> None:
        self.recovery = Recovery()
        self._study = study
        self._moments = moments
        self._sequel = Sequel()
        self._running: set[int] = set()
        self._gap: int | None = None
        self._trials_at_gap = 0
        self._lacking = _uncreated(lines)
        for line in lines:
            if line.operation is None:
                self._lose(line)
            else:
                self._take(line, line.operation)

    def _take(self, line: _Line, operation: Operation) -> None:
        if operation.get("study_id") == 0 and self._sequel.studies == 0 and self._study is not None:
            name, directions = self._study
            code = int(JournalOperation.CREATE_STUDY)
            creation = {"op_code": code, "worker_id": SALVAGE, "study_name": name, "directions": list(directions)}
            self._insert(checked(creation))
            if self._gap is None:
                self.recovery.losses.append(Loss(0, MISSING, _KINDS[JournalOperation.CREATE_STUDY], ()))
        missing = operation.get("trial_id", -1) - self._sequel.trials + 1
        if 0 < missing <= self._lacking:
            self._create(missing)
        problem = self._sequel.lacking(operation)
        if problem is not None:
            self._lose(_Line(line.number, line.text, None, problem))
            return
        if operation.get("trial_id", -1) >= self._trials_at_gap:
            # The operation has the number of a trial created after the gap, so no trial was created in the gap.
            self._gap = None
        self._add(operation, len(self.recovery.operations))

    def _create(self, count: int) -> None:
        first = self._sequel.trials
        numbers = tuple(range(first, first + count))
        for _ in numbers:
            self._insert(self._creation())
        self._lacking -= count
        problem = MISSING if self._gap is None else "of the lines that cannot be read"
        self.recovery.losses.append(Loss(0, problem, "the creation", numbers))

    def _creation(self) -> Operation:
        moment = self._moments[min(len(self._moments) - 1, len(self.recovery.operations))]
        code = int(JournalOperation.CREATE_TRIAL)
        return {"op_code": code, "worker_id": SALVAGE, "study_id": 0, "datetime_start": moment}

    def _insert(self, operation: Operation) -> None:
        """Inserts an operation at the last unreadable line; at the end if there is none."""
        at = len(self.recovery.operations) if self._gap is None else self._gap
        self._add(operation, at)
        if self._gap is not None:
            self._gap += 1

    def _add(self, operation: Operation, at: int) -> None:
        state = operation.get("state", TrialState.RUNNING)
        if operation["op_code"] == JournalOperation.CREATE_TRIAL and state == TrialState.RUNNING:
            self._running.add(self._sequel.trials)
        if operation["op_code"] == JournalOperation.SET_TRIAL_STATE_VALUES:
            if state == TrialState.RUNNING:
                self._running.add(operation["trial_id"])
            elif state != TrialState.WAITING:
                self._running.discard(operation["trial_id"])
        self._sequel.add(operation)
        self.recovery.operations.insert(at, operation)

    def _lose(self, line: _Line) -> None:
        code, trial = _first(_CODE, line.text), _first(_TRIAL, line.text)
        what = _KINDS.get(code, "an operation")
        self._gap, self._trials_at_gap = len(self.recovery.operations), self._sequel.trials
        trials: tuple[int, ...] = ()
        if line.was_creation:
            trials = (self._sequel.trials,)
            self._insert(self._creation())
        elif trial is not None and trial < self._sequel.trials + self._lacking:
            # Zeros may stand for several lines, of which the last alone shows what it was of.
            trials = tuple(sorted({trial, *(self._running if b"\0" in line.text else ())}))
        elif code not in _OF_STUDIES:
            trials = tuple(sorted(self._running))
        self.recovery.losses.append(Loss(line.number, line.problem, what, trials))


def _lines(path: Path) -> Iterator[_Line]:
    with path.open("rb") as file:
        for number, text in enumerate(file, start=1):
            try:
                yield _Line(number, text, parsed(text))
            except ValueError as problem:
                yield from _pieces(number, text.rstrip(b"\n"), str(problem))


def _pieces(number: int, text: bytes, problem: str) -> Iterator[_Line]:
    """Splits a line that is not an operation into the complete operations in it and the parts between them, in order.

    An operation may follow a partial line or zero bytes, and the end of a line may be lost.
    """
    done = 0
    for start in (found.start() for found in re.finditer(re.escape(LINE_START), text)):
        try:
            read, length = _DECODER.raw_decode(text[start:].decode("latin-1"))
            operation = checked(read)
        except (ValueError, RecursionError):
            continue
        if start > done:
            yield _Line(number, text[done:start], None, problem)
        yield _Line(number, text[start : start + length], operation)
        done = start + length
    if done < len(text) or not text:
        yield _Line(number, text[done:], None, problem)


def _uncreated(lines: Sequence[_Line]) -> int:
    """Counts the trials that are named although no line creates them.

    A number that is named only once may itself be damaged: every started trial has several operations.
    """
    named = Counter(line.operation["trial_id"] for line in lines if line.operation and "trial_id" in line.operation)
    created: int = sum(
        line.was_creation if line.operation is None else line.operation["op_code"] == JournalOperation.CREATE_TRIAL
        for line in lines
    )
    last: int = max((trial for trial, times in named.items() if times > 1), default=-1)
    return max(last + 1 - created, 0)


def _moments(lines: Sequence[_Line], path: Path) -> list[str]:
    """Returns, for each readable operation, the last time that it or an earlier one names, or else the first time of
    all.
    """
    last = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC).isoformat(timespec="microseconds")
    named = [
        line.operation.get("datetime_complete") or line.operation.get("datetime_start")
        for line in lines
        if line.operation is not None
    ]
    last = next((moment for moment in named if moment), last)
    moments = []
    for moment in named:
        last = moment or last
        moments.append(last)
    return moments or [last]


def _first(pattern: re.Pattern[bytes], text: bytes) -> int | None:
    found = pattern.search(text)
    number = found[1] if found else b""
    return None if not 0 < len(number) < 10 else int(number)
