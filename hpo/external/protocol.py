"""Reader of the visits that a program reports, one line of JSON each (`docs/external_engine.md`)."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hpo.config.program import ProgramRun
from segada.settings.nested import Tree, Value
from segada.settings.schema import nearest
from segada.settings.validation_errors import shown

VISITS: Final = "visits.jsonl"
Fields = Mapping[str, Value]
_NOTHING: Final = "of the visit, which every line needs"


class ProtocolError(ValueError):
    """Line of a program that cannot be understood; the message names the line, the field and the cure."""


@dataclass(frozen=True)
class Start:
    """Start of a program in its folder.

    Attributes:
        offset: Number of bytes that the file had.
        resumes: True if the program continues after the visits before.
    """

    offset: int
    resumes: bool


@dataclass(frozen=True)
class Visit:
    """Visit as a program reports it.

    Attributes:
        domain: Domain that was visited.
        miou: mIoU by domain, in [0, 1].
        iou: IoU by domain and class.
        numbers: Further fields, which are numbers.
    """

    domain: str
    miou: dict[str, float]
    iou: dict[str, dict[str, float]] = field(default_factory=dict)
    numbers: dict[str, float] = field(default_factory=dict)


class VisitReader:
    """Reads the visits that a program has reported so far; a line that was read once is not read again."""

    def __init__(self, path: Path, run: ProgramRun) -> None:
        """Reads nothing yet.

        Args:
            path: file that the program appends to, or its log.
            run: settings of the run.
        """
        self.path = path
        self._run = run
        self._begin([])

    def _begin(self, starts: list[Start]) -> None:
        self._starts = starts
        self._left = list(starts)
        self._visits: list[Visit] = []
        self._may_repeat = False
        self._offset = self._lines = 0

    def read(self, starts: list[Start], *, is_over: bool) -> list[Visit]:
        """Returns the visits in order.

        Args:
            starts: starts of the program in its folder. A line after one that resumes may repeat earlier visits, whose
                number it then gives; after one that does not, the visits begin anew.
            is_over: True if the program has ended, so that a last line without line feed is whole.

        Raises:
            ProtocolError: a line is not as the program must write it.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if starts != self._starts or size < self._offset:
            self._begin(starts)
        if size > self._offset:
            with self.path.open("rb") as file:
                file.seek(self._offset)
                for line in file:
                    if not line.endswith(b"\n") and not is_over:
                        break
                    self._take(line)
        return list(self._visits)

    def _take(self, line: bytes) -> None:
        """Takes in a whole line."""
        while self._left and self._offset >= self._left[0].offset:
            self._may_repeat, self._visits = True, self._visits if self._left[0].resumes else []
            self._left.pop(0)
        self._offset += len(line)
        self._lines += 1
        text = self._text(line)
        if text is not None:
            self._add(self._visits, text, self._lines, may_repeat=self._may_repeat)
            self._may_repeat = False

    def _text(self, line: bytes) -> str | None:
        """Returns the JSON of a line; None if it is none of ours."""
        text = line.decode("utf-8", errors="replace").strip()
        if self._run.prefix is None:
            return text or None
        prefix = self._run.prefix.strip()
        # A progress bar may stand before the text, and a logger's time.
        _, found, rest = text.partition(f"{self._run.prefix}{{")
        if not text.startswith(prefix) and found:
            return "{" + rest
        text = text.rpartition("\r")[2]
        return text.removeprefix(prefix) if text.startswith(prefix) else None

    def _add(self, visits: list[Visit], text: str, number: int, *, may_repeat: bool) -> None:
        try:
            fields = _object(text)
            visit = visit_of(fields, self._run)
            position = _position(fields, len(visits), may_repeat=may_repeat)
            self._check_place(visit, position)
        except ProtocolError as error:
            raise ProtocolError(f"{self.path.name} line {number}: {error}") from None
        del visits[position:]
        visits.append(visit)

    def _check_place(self, visit: Visit, position: int) -> None:
        route = self._run.stream.visits
        if position >= len(route):
            raise ProtocolError(f"is visit {position}, but engine.visits has {len(route)}, counted from 0")
        if visit.domain != route[position]:
            raise ProtocolError(
                f"domain: is {visit.domain}, but visit {position} of engine.visits is {route[position]}"
            )


def visit_of(fields: Fields, run: ProgramRun) -> Visit:
    """Returns the visit of a line.

    Raises:
        ProtocolError: a field is missing or wrong.
    """
    domain = _domain(fields, run)
    if "miou" not in fields:
        raise ProtocolError(f"miou: is missing, the mIoU {_NOTHING}")
    given = fields["miou"]
    miou = _fractions("miou", given if isinstance(given, dict) else {domain: given})
    for name in miou:
        _check_known(f"miou.{name}", name, run)
    classes = fields.get("iou", {})
    if not isinstance(classes, dict):
        raise ProtocolError(f"iou: is {shown(classes)}, not a mapping of domains to classes")
    iou = {name: _fractions(f"iou.{name}", inside) for name, inside in classes.items()}
    return Visit(domain, miou, iou, _numbers(fields, run.required))


def _domain(fields: Fields, run: ProgramRun) -> str:
    domain = fields.get("domain")
    if domain is None:
        raise ProtocolError(f"domain: is missing, the name {_NOTHING}")
    if not isinstance(domain, str):
        raise ProtocolError(f"domain: is {shown(domain)}, not text")
    _check_known("domain", domain, run)
    return domain


def _numbers(fields: Fields, required: Sequence[str]) -> dict[str, float]:
    known = ("domain", "miou", "iou", "visit")
    numbers = {name: _number(name, value) for name, value in fields.items() if name not in known and value is not None}
    for name in required:
        if name not in numbers:
            raise ProtocolError(f"{name}: is missing, by which trials are judged")
    for name, (is_right, meaning) in _MEASURES.items():
        if name in numbers and not is_right(numbers[name]):
            raise ProtocolError(f"{name}: is {numbers[name]:g}, not {meaning}")
    return numbers


_MEASURES: Mapping[str, tuple[Callable[[float], bool], str]] = {
    "frames": (lambda value: value >= 0 and value.is_integer(), "a number of frames"),
    "trainable_parameters": (lambda value: value >= 0 and value.is_integer(), "a number of parameters"),
    "frames_per_second": (lambda value: value > 0, "above 0"),
    "seconds": (lambda value: value >= 0, "at least 0"),
    "peak_memory": (lambda value: value >= 0, "at least 0"),
}
"""Fields that are figures of ours, with their test."""


def _object(text: str) -> Tree:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ProtocolError(f"is not JSON ({error}): {shown(text)}") from None
    if not isinstance(found, dict):
        raise ProtocolError(f"is {shown(found)}, not a mapping of fields")
    return found


def _position(fields: Fields, expected: int, *, may_repeat: bool) -> int:
    number = fields.get("visit", expected)
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ProtocolError(f"visit: is {shown(number)}, not the number of a visit, counted from 0")
    if number > expected:
        raise ProtocolError(f"visit: is {number}, but visit {expected} comes next")
    if number < expected and not may_repeat:
        raise ProtocolError(f"visit: is {number}, which was reported before; the next is {expected}")
    return number


def _check_known(place: str, domain: str, run: ProgramRun) -> None:
    known = run.scored_domains()
    if domain not in known:
        raise ProtocolError(
            f"{place}: {domain!r} is in neither engine.visits nor engine.domains; {nearest(domain, known)}"
        )


def _fractions(place: str, given: Value) -> dict[str, float]:
    if not isinstance(given, dict):
        raise ProtocolError(f"{place}: is {shown(given)}, not a mapping of names to scores")
    return dict(_scored(place, given))


def _scored(place: str, given: Fields) -> Iterator[tuple[str, float]]:
    for name, value in given.items():
        if value is None:
            continue
        number = _number(f"{place}.{name}", value)
        if not 0 <= number <= 1:
            cure = "; divide percent by 100" if 1 < number <= 100 else ""
            raise ProtocolError(f"{place}.{name}: is {number:g}, not between 0 and 1{cure}")
        yield name, number


def _number(place: str, value: Value) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ProtocolError(f"{place}: is {shown(value)}, not a number")
    # Integers of JSON may be greater than any float.
    if not -sys.float_info.max <= value <= sys.float_info.max:
        raise ProtocolError(f"{place}: is {shown(value)}, not a finite number; leave out what is not known")
    return float(value)
