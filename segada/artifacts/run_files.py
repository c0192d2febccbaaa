"""Readers of the files in a run's folder, which report damaged files with the reason."""

import io
import struct
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, TypeAlias, TypeVar
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import yaml
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from segada.core.run_names import AREAS, BEST, BEST_WEIGHTS, REPORT, SETTINGS, TAGS, VISITS, WEIGHTS
from segada.metrics import Areas
from segada.records import BestRecord, RunReport, VisitRecord
from segada.settings import RunSettings
from segada.settings.named_kinds import without_code

T = TypeVar("T")
Numbers: TypeAlias = npt.NDArray[np.int64]

_MALFORMED = (ValueError, TypeError, KeyError, EOFError, NotImplementedError, MemoryError)
_MALFORMED_ARCHIVE = (*_MALFORMED, BadZipFile, zlib.error, struct.error)
_TAGS = TypeAdapter(list[str])
# The C loader is 30 times as fast, but not every build of the library has it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Damage:
    """A file that differs from what was written."""

    path: Path
    problem: str

    def __str__(self) -> str:
        return f"{self.path}: {self.problem}"


@dataclass(frozen=True)
class Reading(Generic[T]):
    """Content of a file.

    Attributes:
        value: Parsed content; empty or None for a missing file, and the readable part of a damaged one.
        damage: Damage of the file; None if the file is missing or intact.
    """

    value: T
    damage: Damage | None = None


def settings_text(settings: RunSettings) -> str:
    """Returns the content of settings.yaml."""
    text: str = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)
    return text


def read_report(folder: Path) -> Reading[RunReport | None]:
    """Reads the report of a finished run."""
    return read(folder / REPORT, RunReport.model_validate_json, None)


def read_visits(folder: Path) -> Reading[tuple[VisitRecord, ...]]:
    """Reads the completed visits of a run; if a line is damaged, those before it."""
    path = folder / VISITS
    content = read(path, bytes, b"")
    if content.damage is not None or not content.value.strip(b"\0"):
        return Reading((), content.damage or (_damage(path, content.value) if content.value else None))
    records: list[VisitRecord] = []
    for number, line in enumerate(content.value.removesuffix(b"\n").split(b"\n"), start=1):
        try:
            records.append(VisitRecord.model_validate_json(line))
        except ValidationError as error:
            return Reading(tuple(records), Damage(path, f"line {number} cannot be read ({_message(error)})"))
    return Reading(tuple(records))


def read_areas(folder: Path) -> Reading[tuple[Areas, ...]]:
    """Reads the areas of a run, visit by visit."""
    return read(folder / AREAS, _areas, ())


def read_recordings(folder: Path) -> Reading[tuple[Numbers, ...]]:
    """Reads the number of the recording of each frame that `read_areas` returns [frames], visit by visit; all 0 where
    the file has none.
    """
    return read(folder / AREAS, _recordings, ())


def read_online(folder: Path) -> Reading[tuple[tuple[Areas, Numbers], ...]]:
    """Reads the areas of the frames of each visit that were predicted before they were learned from, and the numbers of
    their recordings [frames]; empty where the file has none.
    """
    return read(folder / AREAS, _online, ())


def read_settings(folder: Path) -> Reading[RunSettings | None]:
    """Reads the settings of a run; code that they name is not imported."""
    return read(folder / SETTINGS, _settings, None)


def check_weights(path: Path) -> Damage | None:
    """Checks the header and the length of a weights file; returns None if it is intact or missing."""
    if not path.exists():
        return None
    try:
        with safe_open(path, framework="numpy"):
            return None
    except IsADirectoryError:
        return Damage(path, "is a folder")
    except (SafetensorError, OSError) as error:
        return _damage(path, path.read_bytes(), error)


def damages(folder: Path, needed: Collection[str] = ()) -> list[Damage]:
    """Returns all files of a run's folder that are damaged or do not belong to its report. Reads each file once.

    Args:
        folder: Folder of the run, which may be missing.
        needed: Names of files that a finished run must have.
    """
    report, visits = read_report(folder), read_visits(folder)
    nothing: tuple[Numbers, ...] = ()
    areas, settings = read(folder / AREAS, _whole_areas, nothing), read_settings(folder)
    whole = report.value
    found = [
        report.damage,
        visits.damage or _miscount(folder / VISITS, len(visits.value), whole),
        areas.damage or _miscount(folder / AREAS, len(areas.value), whole),
        settings.damage or _other_settings(folder / SETTINGS, settings.value, whole),
        *(check_weights(folder / name) for name in (WEIGHTS, BEST_WEIGHTS)),
        *(read(folder / name, parse, None).damage for name, parse in _SMALL.items()),
    ]
    missing = [name for name in needed if whole is not None and not (folder / name).exists()]
    return [*filter(None, found), *(Damage(folder / name, "is missing") for name in missing)]


def visits_damage(folder: Path, report: RunReport | None) -> Damage | None:
    """Checks a run's visits, also against its report; returns None if they are intact."""
    visits = read_visits(folder)
    return visits.damage or _miscount(folder / VISITS, len(visits.value), report)


def read(path: Path, parse: Callable[[bytes], T], nothing: T) -> Reading[T]:
    """Reads and parses a file.

    Args:
        path: The file.
        parse: Converts the content to a value; may raise the usual exceptions of parsers.
        nothing: Value for a missing or damaged file.

    Raises:
        OSError: if reading fails for a reason other than the file's content.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return Reading(nothing)
    except IsADirectoryError:
        return Reading(nothing, Damage(path, "is a folder"))
    try:
        return Reading(parse(content))
    except (*_MALFORMED_ARCHIVE, yaml.YAMLError) as error:
        return Reading(nothing, _damage(path, content, error))


def _miscount(path: Path, count: int, report: RunReport | None) -> Damage | None:
    if report is None or not path.exists() or count == len(report.visits):
        return None
    return Damage(path, f"has {count} visits, and {REPORT} {len(report.visits)}")


def _other_settings(path: Path, settings: RunSettings | None, report: RunReport | None) -> Damage | None:
    if settings is None or report is None or settings.settings_hash() == report.settings_hash:
        return None
    return Damage(path, f"is not of the run in {REPORT}")


def _areas(content: bytes) -> tuple[Areas, ...]:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        if not hasattr(archive, "files"):
            raise ValueError("is not an archive of arrays")
        return tuple(_checked(archive[f"visit{visit}"]) for visit in range(_count(archive.files, "visit")))


def _recordings(content: bytes) -> tuple[Numbers, ...]:
    areas = _areas(content)
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        names = [f"recording{visit}" for visit in range(len(areas))]
        # Files of earlier releases, and of other programs, need not have them.
        pairs = zip(names, areas, strict=True)
        found = [archive[name] if name in archive.files else np.zeros(len(some), np.int64) for name, some in pairs]
    for name, numbers, frames in zip(names, found, areas, strict=True):
        if numbers.shape != (len(frames),) or numbers.dtype != np.int64:
            raise ValueError(f"{name} is {numbers.dtype} {list(numbers.shape)}, and not int64 [{len(frames)}]")
    return tuple(found)


def _online(content: bytes) -> tuple[tuple[Areas, Numbers], ...]:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        visits = range(_count(archive.files, "visit") if "online0" in archive.files else 0)
        found = tuple((_checked(archive[f"online{one}"]), archive[f"online_recording{one}"]) for one in visits)
    for visit, (areas, numbers) in enumerate(found):
        if numbers.shape != (len(areas),) or numbers.dtype != np.int64:
            raise ValueError(f"online_recording{visit} is not int64 [{len(areas)}]")
    return found


def _whole_areas(content: bytes) -> tuple[Numbers, ...]:
    """Returns what `_recordings` does, if all arrays of the file can be read."""
    recordings = _recordings(content)
    _online(content)
    return recordings


def _count(names: Collection[str], part: str) -> int:
    return sum(name.startswith(part) for name in names)


def _checked(areas: Areas) -> Areas:
    if areas.ndim != 3 or areas.dtype != np.int64:
        raise ValueError(f"holds {areas.dtype} of {areas.ndim} dimensions, and not int64 of 3")
    return areas


def _settings(content: bytes) -> RunSettings:
    with without_code():
        return RunSettings.model_validate(yaml.load(content, _Loader))  # noqa: S506 - a safe loader


def _damage(path: Path, content: bytes, error: BaseException | None = None) -> Damage:
    if not content:
        return Damage(path, "is empty")
    if not content.strip(b"\0"):
        return Damage(path, "holds nothing but zeroes")
    return Damage(path, f"cannot be read ({_message(error)})")


def _message(error: BaseException | None) -> str:
    """Returns the message of an error in one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else first["msg"]
    return " ".join(str(error).split())[:200] or type(error).__name__


_SMALL: Mapping[str, Callable[[bytes], object]] = {
    BEST: BestRecord.model_validate_json,
    TAGS: _TAGS.validate_json,
}
"""Parsers of the files that are checked by themselves, by name."""
