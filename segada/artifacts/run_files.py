"""Readers of the files in a run's folder, which report damaged files with the reason."""

import io
import struct
import zlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, TypeVar
from zipfile import BadZipFile

import numpy as np
import yaml
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open

from segada.metrics import Areas
from segada.records import BestRecord, RunReport, VisitRecord
from segada.settings import RunSettings

T = TypeVar("T")

REPORT: Final = "report.json"
VISITS: Final = "visits.jsonl"
AREAS: Final = "areas.npz"
SETTINGS: Final = "settings.yaml"
WEIGHTS: Final = "weights.safetensors"

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
            return Reading(tuple(records), Damage(path, f"line {number} cannot be read ({_said(error)})"))
    return Reading(tuple(records))


def read_areas(folder: Path) -> Reading[tuple[Areas, ...]]:
    """Reads the areas of a run, visit by visit."""
    return read(folder / AREAS, _areas, ())


def read_settings(folder: Path) -> Reading[RunSettings | None]:
    """Reads the settings of a run."""
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
    """Returns all files of a run's folder that are damaged or do not belong to its report.

    Args:
        folder: Folder of the run, which may be missing.
        needed: Names of files that a finished run must have.
    """
    found = [damage for check in _CHECKS.values() if (damage := check(folder)) is not None]
    report = read_report(folder).value
    if report is None:
        return found
    found += [Damage(folder / name, "is missing") for name in needed if not (folder / name).exists()]
    named = {damage.path.name for damage in found}
    return found + [damage for damage in _strangers(folder, report) if damage.path.name not in named]


def visits_damage(folder: Path, report: RunReport | None) -> Damage | None:
    """Checks a run's visits, also against its report; returns None if they are intact."""
    visits = read_visits(folder)
    if visits.damage is None and report is not None and (folder / VISITS).exists():
        return _miscount(folder / VISITS, len(visits.value), report)
    return visits.damage


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


def _strangers(folder: Path, report: RunReport) -> list[Damage]:
    """Returns the damages of readable files that do not belong to the run of the report."""
    found = [
        _miscount(folder / name, count, report)
        for name, count in ((VISITS, len(read_visits(folder).value)), (AREAS, len(read_areas(folder).value)))
        if (folder / name).exists()
    ]
    settings = read_settings(folder).value
    if settings is not None and settings.settings_hash() != report.settings_hash:
        found.append(Damage(folder / SETTINGS, f"is not of the run in {REPORT}"))
    return [damage for damage in found if damage is not None]


def _miscount(path: Path, count: int, report: RunReport) -> Damage | None:
    whole = len(report.visits)
    return None if count == whole else Damage(path, f"has {count} visits, and {REPORT} {whole}")


def _areas(content: bytes) -> tuple[Areas, ...]:
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        if not hasattr(archive, "files"):
            raise ValueError("is not an archive of arrays")
        return tuple(_checked(archive[f"visit{visit}"]) for visit in range(len(archive.files)))


def _checked(areas: Areas) -> Areas:
    if areas.ndim != 3 or areas.dtype != np.int64:
        raise ValueError(f"holds {areas.dtype} of {areas.ndim} dimensions, and not int64 of 3")
    return areas


def _settings(content: bytes) -> RunSettings:
    return RunSettings.model_validate(yaml.load(content, _Loader))  # noqa: S506 - a safe loader


def _damage(path: Path, content: bytes, error: BaseException | None = None) -> Damage:
    if not content:
        return Damage(path, "is empty")
    if not content.strip(b"\0"):
        return Damage(path, "holds nothing but zeroes")
    return Damage(path, f"cannot be read ({_said(error)})")


def _said(error: BaseException | None) -> str:
    """Returns the message of an error in one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"]))
        return f"{place}: {first['msg']}" if place else first["msg"]
    return " ".join(str(error).split())[:200] or type(error).__name__


_CHECKS: Mapping[str, Callable[[Path], Damage | None]] = {
    REPORT: lambda folder: read_report(folder).damage,
    VISITS: lambda folder: read_visits(folder).damage,
    AREAS: lambda folder: read_areas(folder).damage,
    SETTINGS: lambda folder: read_settings(folder).damage,
    WEIGHTS: lambda folder: check_weights(folder / WEIGHTS),
    "best.safetensors": lambda folder: check_weights(folder / "best.safetensors"),
    "best.json": lambda folder: read(folder / "best.json", BestRecord.model_validate_json, None).damage,
    "tags.json": lambda folder: read(folder / "tags.json", _TAGS.validate_json, None).damage,
}
"""Checks of a run's files by name; each returns the damage of a file, or None."""
